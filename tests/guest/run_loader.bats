# SPDX-License-Identifier: GPL-2.0-or-later
# A loader lives as long as a run needs one, which loader that may be.
#
# Kernels: one, the command does the same with processes and locks on all. One
# CPU: programs are loaded again and again.
# bats file_tags=kernel:6-12,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }
teardown() {
    [[ ! -e $ASIDE ]] || mv "$ASIDE" "$DAEMON_FILE"
    cgroups_remove
    # Of a test that failed.
    pkill -KILL -x timensbpfd || true
}
DAEMON_FILE=$(type -P timensbpfd)
ASIDE=$DAEMON_FILE.aside

loader_is_gone() { ! pgrep -x timensbpfd && ! pgrep -x timensbpf-guard; }
loader_serves() { timensbpf show --json | grep -q '"loader": true'; }

# starts_begin [OPTION…]: a run that starts one program after the other, each
# of which tells the time, until starts_end.
starts_begin() {
    STARTS=$BATS_TEST_TMPDIR/starts
    mkdir "$STARTS"
    # shellcheck disable=SC2016
    timensbpf run --realtime +5d --name "$OWN.starts" "$@" -- \
        bash -c 'until [[ -e $0/end ]]; do date +%s; done' "$STARTS" \
        >"$STARTS/times" 2>"$STARTS/errors" 3>&- &
    STARTS_RUN=$!
    wait_until 30 test -s "$STARTS/times"
}

starts_end() {
    touch "$STARTS/end"
    wait "$STARTS_RUN"
}

times_are() { (($(wc -l <"$STARTS/times") >= $1)); }

# Of the next 8 programs most are fast (on a busy machine not all are), and
# each of all so far was right.
starts_are_fast() {
    local before lines
    before=$(figure start_fast)
    lines=$(wc -l <"$STARTS/times")
    wait_until 60 times_are "$((lines + 8))"
    (($(figure start_fast) >= before + 4)) ||
        fail "not fast" "$(timensbpf show --json | grep -A 2 '"start_')" || return
    times_are_right
}
times_are_right() {
    local time now
    now=$(date +%s)
    while read -r time; do
        ((time - now > 428400 && time - now < 435600)) || fail "not +5d: $time, now $now" || return
    done <"$STARTS/times"
}

# other_begin: a run that lives until other_end; its notes are in $OTHER.
other_begin() {
    OTHER=$BATS_TEST_TMPDIR/other
    timensbpf run --realtime +3d --name "$OWN.other" -- sleep 1000 2>"$OTHER" 3>&- &
    OTHER_RUN=$!
    wait_until 30 cgroup_is_populated "$CGROUPS/timensbpf.$OWN.other"
}

other_end() {
    kill "$OTHER_RUN"
    wait "$OTHER_RUN" || true
}

@test "a run ends: its loader serves the other one, and ends with that" {
    local loader
    other_begin
    loader=$(pgrep -x timensbpfd)
    starts_begin
    other_end
    starts_are_fast
    [[ $(pgrep -x timensbpfd) == "$loader" ]]
    starts_end
    wait_until 10 loader_is_gone
    [[ ! -s $OTHER && ! -s $STARTS/errors ]]
}

@test "a run ends while another one lives: its caller waits for nothing of its loader" {
    local loader pipe
    # A run whose output and directory are in use until its loader lets go of them.
    mkdir "$BATS_TEST_TMPDIR/dir"
    # shellcheck disable=SC2016
    (cd "$BATS_TEST_TMPDIR/dir" && timensbpf run --realtime +3d --name "$OWN.other" -- \
        bash -c 'touch begun; until [[ -e end ]]; do sleep 0.05; done' 2>&1 3>&- |
        cat >"$BATS_TEST_TMPDIR/read") 3>&- &
    pipe=$!
    wait_until 30 test -e "$BATS_TEST_TMPDIR/dir/begun"
    loader=$(pgrep -x timensbpfd)
    starts_begin
    touch "$BATS_TEST_TMPDIR/dir/end"
    wait_until 20 process_is_gone "$pipe"
    readlink "/proc/$loader/cwd" /proc/"$loader"/fd/[0-2] | grep -cx /dev/null | grep -x 3
    [[ $(readlink "/proc/$loader/cwd") == / ]]
    starts_end
    wait_until 10 loader_is_gone
}

@test "a run is killed: its loader serves the other one" {
    local loader
    other_begin
    loader=$(pgrep -x timensbpfd)
    starts_begin
    kill -KILL "$OTHER_RUN"
    wait_until 10 process_is_gone "$OTHER_RUN"
    starts_are_fast
    [[ $(pgrep -x timensbpfd) == "$loader" ]]
    kill -KILL "$STARTS_RUN"
    wait_until 10 loader_is_gone
}

# loader_is_another PID: one serves, and not that
loader_is_another() { loader_serves && [[ $(pgrep -x timensbpfd) != "$1" ]]; }

# another_was_told FILE…: by one line, in one of them
another_was_told() {
    cat "$@" | tee /dev/stderr | grep -c . | grep -x 1 || return
    cat "$@" | grep -x 'timensbpf: note: the loader ended, another was started: programs .*'
}

@test "the loader is killed: a run that lives starts another" {
    local loader
    other_begin
    starts_begin
    loader=$(pgrep -x timensbpfd)
    kill -KILL "$loader"
    wait_until 30 loader_is_another "$loader"
    starts_are_fast
    wait_until 10 another_was_told "$OTHER" "$STARTS/errors"
    other_end
    starts_are_fast
    starts_end
    wait_until 10 loader_is_gone
}

@test "SIGTERM to a loader is for the time when its own run has ended" {
    local loader
    other_begin
    starts_begin
    loader=$(pgrep -x timensbpfd)
    kill -TERM "$loader"
    starts_are_fast
    [[ $(pgrep -x timensbpfd) == "$loader" ]]
    other_end
    wait_until 30 loader_is_another "$loader"
    starts_are_fast
    starts_end
    another_was_told "$OTHER" "$STARTS/errors"
    wait_until 10 loader_is_gone
}

@test "a loader that hangs is ended by its run" {
    local loader
    starts_begin
    loader=$(pgrep -x timensbpfd)
    kill -STOP "$loader"
    wait_until 60 loader_is_another "$loader"
    starts_are_fast
    starts_end
    loader_is_gone
}

@test "the daemon is stopped while a run lives, and started again" {
    local loader
    daemon_start
    starts_begin
    [[ $(pgrep -x timensbpfd) == "$(<"$BATS_FILE_TMPDIR/daemon.pid")" ]]
    daemon_stop
    wait_until 30 loader_serves
    loader=$(pgrep -x timensbpfd)
    starts_are_fast
    wait_until 10 another_was_told "$STARTS/errors"
    # The daemon goes before the loader of a run.
    daemon_start
    process_is_gone "$loader"
    starts_are_fast
    starts_end
    [[ $(pgrep -x timensbpfd) == "$(<"$BATS_FILE_TMPDIR/daemon.pid")" ]]
    daemon_stop
}

told_of_none() {
    grep -x "timensbpf: note: no loader serves any more, programs that start now read their clocks by system calls: cannot start .*/timensbpfd: No such file or directory" \
        "$STARTS/errors"
}

@test "no loader can be started any more: one note, and the programs are right" {
    starts_begin
    mv "$DAEMON_FILE" "$ASIDE"
    pkill -KILL -x timensbpfd
    wait_until 30 told_of_none
    times_are_right
    # It goes on trying.
    mv "$ASIDE" "$DAEMON_FILE"
    wait_until 30 loader_serves
    starts_are_fast
    starts_end
    [[ $(wc -l <"$STARTS/errors") == 2 ]]
}

@test "run --quiet does not tell that its loader was replaced" {
    local loader
    starts_begin --quiet
    loader=$(pgrep -x timensbpfd)
    kill -KILL "$loader"
    wait_until 30 loader_is_another "$loader"
    starts_are_fast
    starts_end
    [[ ! -s $STARTS/errors ]]
}

@test "programs are unloaded and loaded anew under a run: the next run has a loader" {
    other_begin
    timensbpf unload --force
    timensbpf load
    starts_begin
    wait_until 30 loader_serves
    starts_are_fast
    starts_end
    other_end
    wait_until 10 loader_is_gone
}

# One at a time, and neither run begins before it serves.
@test "two runs begin at once: one loader, and both are fast" {
    local begun
    for _ in {1..5}; do
        begun=$(figure start_fast)
        timensbpf run --realtime +3d --name "$OWN.other" -- sleep 0.5 2>"$BATS_TEST_TMPDIR/1" 3>&- &
        timensbpf run --realtime +3d --name "$OWN.third" -- sleep 0.5 2>"$BATS_TEST_TMPDIR/2" 3>&-
        wait "$!"
        wait_until 10 loader_is_gone
        cat "$BATS_TEST_TMPDIR"/[12]
        [[ ! -s $BATS_TEST_TMPDIR/1 && ! -s $BATS_TEST_TMPDIR/2 ]]
        (($(figure start_fast) > begun))
    done
}

@test "a run in a run of another MONOTONIC finds the loader" {
    run -0 --separate-stderr timensbpf run --monotonic +1d --name "$OWN.other" -- \
        timensbpf run --realtime +5d --name inner -- timensbpf show --json
    [[ $output == *'"loader": true'* && -z $stderr ]]
    loader_is_gone
}
