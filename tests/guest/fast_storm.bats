# SPDX-License-Identifier: GPL-2.0-or-later
# The loader under load, dying and hanging: whoever starts in a rule reads
# virtual time at its first instruction, fast if it can be, and nobody is held.

load helpers

EXECS=${TIMENSBPF_STORM_EXECS:-600}
ROUNDS=${TIMENSBPF_STORM_ROUNDS:-3}
# A start takes some milliseconds here, one of eight on two CPUs many times
# that; the loader's own bounds are 60 and 250 ms (abi/loader.h).
LONGEST_US=2000000

setup_file() {
    file_begin
    daemon_start
}
teardown_file() {
    daemon_stop
    file_end
}

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    STORM=$BATS_TEST_TMPDIR/storm
    daemon_find
}
teardown() { cgroups_remove; }

# storm STREAMS EXECS
storm() { in_cgroup "$CGROUP" timeout 150 exec_storm "$@" >"$STORM"; }

# All of EXECS were right, so many at least fast, and none was held for long.
storm_was_good() {
    local json execs=$1 fast=$2
    json=$(<"$STORM")
    echo "$json"
    [[ $(number wrong "$json") == 0 ]] || return
    (($(number fast "$json") + $(number slow "$json") == execs)) || return
    (($(number fast "$json") >= fast)) || return
    (($(number longest_us "$json") < LONGEST_US))
}

nobody_is_stopped() {
    local pid
    while read -r pid; do
        [[ $(process_state "$pid") != [Tt] ]] || return
    done <"$CGROUP/cgroup.procs"
}

@test "one stream of starts: all right, all fast" {
    storm 1 300
    storm_was_good 300 300
}

@test "eight streams of starts: all right, 99.9% fast" {
    storm 8 "$EXECS"
    storm_was_good "$EXECS" $((EXECS * 999 / 1000))
}

@test "starts while the rule steps forward" {
    storm 4 400 &
    while kill -0 "$!" 2>/dev/null; do
        timensbpf set --cgroup "$CGROUP" --realtime "+$((SECONDS + 300000))s"
    done
    wait "$!"
    storm_was_good 400 399
}

@test "order between the image and system calls while the rule steps forward" {
    local json ns=0
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s --force
    in_cgroup "$CGROUP" hammer --order --threads 8 --seconds 4 >"$STORM" &
    while kill -0 "$!" 2>/dev/null; do
        ns=$((ns + 1000000))
        timensbpf set --cgroup "$CGROUP" --realtime "+${ns}ns" --monotonic "+${ns}ns" \
            --boottime "+${ns}ns"
    done
    wait "$!"
    json=$(<"$STORM")
    echo "$json"
    [[ $(number backward "$json") == 0 && $(number failed "$json") == 0 ]]
}

# storm_while COMMAND…: again and again, at random moments of a storm
storm_while() {
    local round storming
    storm 8 "$EXECS" &
    storming=$!
    for ((round = 0; round < ROUNDS; round++)); do
        sleep "0.$((RANDOM % 10))"
        "$@"
    done
    wait "$storming"
}

# replace_loader PID…: kill these, and start another
replace_loader() {
    kill -KILL "$@"
    wait_until 10 process_is_gone "$DAEMON"
    daemon_start
}
kill_loader() { replace_loader "$DAEMON"; }
kill_loader_and_guard() { replace_loader "$(pgrep -x timensbpf-guard)" "$DAEMON"; }

stop_loader() {
    kill -STOP "$DAEMON"
    sleep "0.$((RANDOM % 10))"
    # Stopped while it traced somebody, it was ended for that.
    kill -CONT "$DAEMON" 2>/dev/null || daemon_start
    wait_until 20 loader_serves
}

@test "the loader is killed again and again: nobody is held, all are right" {
    storm_while kill_loader
    storm_was_good "$EXECS" 1
    nobody_is_stopped
}

@test "loader and guard are killed at once: the next one lets go" {
    storm_while kill_loader_and_guard
    LONGEST_US=60000000 storm_was_good "$EXECS" 1
    nobody_is_stopped
}

@test "the loader is stopped again and again: nobody is held, all are right" {
    storm_while stop_loader
    storm_was_good "$EXECS" 1
    nobody_is_stopped
}
loader_serves() {
    [[ -e /proc/$DAEMON && $(process_state "$DAEMON") != Z ]] || daemon_start
    timensbpf show --json | grep -q '"loader": true'
}

@test "the guard is killed: another takes its place" {
    local old
    old=$(pgrep -x timensbpf-guard)
    kill -KILL "$old"
    wait_until 10 guard_is_another "$old"
    wait_until 10 loader_serves
    storm 2 50
    storm_was_good 50 50
}
guard_is_another() { [[ $(pgrep -x timensbpf-guard) != "$1" ]] && pgrep -x timensbpf-guard; }

@test "without a daemon, run serves what it starts" {
    daemon_stop
    timensbpf run "${CLOCKS[@]}" -- timeout 150 exec_storm 4 200 >"$STORM"
    daemon_start
    # It stops nobody: who is not traced in time starts slow.
    storm_was_good 200 1
    [[ $(number stopped "$(<"$STORM")") == 0 ]]
}

@test "run is killed: what it started goes on" {
    daemon_stop
    timensbpf run "${CLOCKS[@]}" --name "$OWN" -- timeout 150 exec_storm 4 400 >"$STORM" &
    wait_until 30 pgrep -x exec_storm
    kill -KILL "$!"
    wait_until 60 test -s "$STORM"
    daemon_start
    storm_was_good 400 1
}

@test "a second loader is refused" {
    run timensbpfd -f
    [[ $status == 1 && $output == *"another loader runs"* ]]
}

@test "a loader in virtual time is refused" {
    daemon_stop
    run in_cgroup "$CGROUP" timensbpfd -f
    daemon_start
    [[ $status == 1 && $output == *"virtual time itself"* ]]
}

@test "memory and file descriptors stay as they are" {
    local files memory
    storm 4 200
    files=$(open_files) memory=$(resident)
    storm 4 "$EXECS"
    (($(open_files) == files)) || fail "files: $files, then $(open_files)"
    (($(resident) <= memory + 256)) || fail "KiB: $memory, then $(resident)"
}
open_files() {
    local files=("/proc/$DAEMON/fd"/*)
    echo "${#files[@]}"
}
resident() { sed -n 's/^VmRSS:\s*\([0-9]*\) kB/\1/p' "/proc/$DAEMON/status"; }
