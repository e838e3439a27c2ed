# SPDX-License-Identifier: GPL-2.0-or-later
# A process in a rule has memory that a file system in user space serves, which does
# not answer: commands for others go on, nothing of ours waits for it, the process is
# listed, and runs on.
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

# What the slowest command may take; one that waits for an answer never ends.
LIMIT=$((10 * PATIENCE))
HERE=${BATS_TEST_FILENAME%/*}

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER-other"
    OTHER=$CGROUP
    cgroup_make "$BATS_TEST_NUMBER"
    FILES=$BATS_TEST_TMPDIR/files
    SAID=$BATS_TEST_TMPDIR/said
    mkdir "$FILES"
    silent_fs "$FILES" >"$SAID" 3>&- &
    FS=$!
    wait_until 10 grep -qx answers "$SAID"
}
# The end of the file system is an error for whatever waits for it.
teardown() {
    kill -KILL "$FS" 2>/dev/null || true
    wait_until 10 process_is_gone "$FS"
    umount -l "$FILES"
    wait_until 10 nothing_is_stuck
    test_end
}

# fs_is_told SIGNAL WORD
fs_is_told() {
    kill "-$1" "$FS"
    wait_until 10 fs_said "$2"
}
fs_said() { [[ $(grep -vE '^asked' "$SAID" | tail -n 1) == "$1" ]]; }
asks() { grep -qx "asked $1" "$SAID"; }

# unserved_start KIND [COMMAND…]: with the file system silent from then on
unserved_start() {
    local kind=$1
    shift
    mkfifo "$BATS_TEST_TMPDIR/steps"
    exec {STEPS}<>"$BATS_TEST_TMPDIR/steps"
    LINES=$BATS_TEST_TMPDIR/lines
    "$@" unserved "$kind" "$FILES/file" <"$BATS_TEST_TMPDIR/steps" >"$LINES" 3>&- {STEPS}>&- &
    PID=$!
    wait_until 10 grep -qx mapped "$LINES"
    fs_is_told USR1 silent
    step
}
step() { printf x >&"$STEPS"; }
unserved_is() { wait_until 10 grep -qx "$1" "$LINES"; }
runs_on() {
    step
    unserved_is back
}

# Ours that the kernel does not let go, one by one
stuck() {
    local stat
    for stat in /proc/[1-9]*/stat; do
        { read -r stat <"$stat"; } 2>/dev/null || continue
        [[ $stat =~ ^[0-9]+\ \((tnb-|timensbpf).*\)\ D ]] && echo "$stat"
    done
    return 0
}
nothing_is_stuck() { [[ -z $(stuck) ]]; }

in_time() { timeout -s KILL "$LIMIT" "$@" || fail "status $? of: $*"; }

# Commands for others, and those that look at it
all_answer() {
    in_time timensbpf set --cgroup "$OTHER" --realtime +7000000
    in_time timensbpf show --processes >"$BATS_TEST_TMPDIR/shown"
    in_time timensbpf run --realtime +1d -- true
    in_time python3 "$HERE/control.py" status | grep -q '^done 0'
    in_time timensbpf unset --cgroup "$OTHER"
    wait_until 10 nothing_is_stuck || fail "$(stuck)"
}

# No process but that one has asked for its memory.
only_it_asks() { ! grep '^asked' "$SAID" | grep -vx "asked $PID"; }

set_beside_it() {
    echo "$PID" >"$CGROUP/cgroup.procs"
    in_time timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    all_answer
    in_time timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    only_it_asks
}

# silent_stack KIND: left alone and listed, and changed once the stack is another
silent_stack() {
    unserved_start "$1"
    unserved_is ready
    set_beside_it
    shows "$PID" visible
    runs_on
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$PID" fast
}

@test "the stack of its only thread" { silent_stack stack; }

# bats test_tags=once
@test "the stack of one thread of two" { silent_stack thread; }

# bats test_tags=once
@test "where the kernel says that its auxiliary vector is" {
    unserved_start auxv
    unserved_is ready
    set_beside_it
    shows "$PID" fast
    runs_on
}

# bats test_tags=once
@test "the place of its vDSO" {
    unserved_start vdso
    unserved_is ready
    set_beside_it
    shows "$PID" visible
    runs_on
}

# It was fast, is moved, and its rule ends.
moved() {
    unserved_is ready
    timensbpf set --cgroup "$OTHER" --realtime +7000000
    echo "$PID" >"$OTHER/cgroup.procs"
    in_time timensbpf set --cgroup "$OTHER" --realtime +8000000
    in_time timensbpf unset --cgroup "$CGROUP"
    all_answer
    only_it_asks
    runs_on
}

# bats test_tags=once
@test "the place of its link page" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    unserved_start link "${IN[@]}" "$CGROUP"
    moved
}

@test "the place of its image" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    unserved_start image "${IN[@]}" "$CGROUP"
    moved
}

# bats test_tags=once
@test "a thread waits for a page: it has that, and is changed, once there is an answer" {
    unserved_start fault
    unserved_is ready
    wait_until 10 asks "$PID"
    set_beside_it
    shows "$PID" visible
    fs_is_told USR2 answers
    runs_on
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$PID" fast
}

# Another thread waits for the lock then, and so does whatever looks at its mappings.
@test "a thread waits for a page and keeps the lock of its mappings" {
    unserved_start locked
    unserved_is ready
    wait_until 10 asks "$PID"
    step
    wait_until 10 a_thread_is_stuck
    set_beside_it
    shows "$PID" unknown
    fs_is_told USR2 answers
    unserved_is back
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$PID" fast
}
# The first thread waits for the others to end.
a_thread_is_stuck() { grep -qE '^[0-9]+ \(.*\) D' /proc/"$PID"/task/*/stat; }
