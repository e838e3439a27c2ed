# SPDX-License-Identifier: GPL-2.0-or-later
# The loader dies and hangs under load: no process is held, all are right.
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

ROUNDS=${TIMENSBPF_STORM_ROUNDS:-2}

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { storm_prepare; }
teardown() { cgroups_remove; }

nobody_is_stopped() {
    local pid
    while read -r pid; do
        [[ $(process_state "$pid") != [Tt] ]] || return
    done <"$CGROUP/cgroup.procs"
}

# storm_while COMMAND…: again and again, at random moments of a storm that lasts
# until the last loader has seen to a start
storm_while() {
    local round storming before
    # A loader that starts shall get on.
    STORM_NICE=15 storm 8 1000000 &
    storming=$!
    for ((round = 0; round < ROUNDS; round++)); do
        sleep "0.$((RANDOM % 10))"
        "$@"
    done
    before=$(figure start_fast)
    wait_until 60 start_is_fast "$before"
    pkill -TERM -x exec_storm
    wait "$storming"
}
start_is_fast() { (($(figure start_fast) > $1)); }

# All were right, and none was held for long.
storm_was_right() {
    local json
    json=$(<"$STORM")
    echo "$json"
    [[ $(number wrong "$json") == 0 ]] || return
    (($(number fast "$json") > 0 && $(number longest_us "$json") < LONGEST_US))
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
    # Stopped while it traced a process, it was ended for that.
    kill -CONT "$DAEMON" 2>/dev/null || daemon_start
    wait_until 20 loader_serves
}

@test "the loader is killed again and again: no process is held, all are right" {
    storm_while kill_loader
    storm_was_right
    nobody_is_stopped
}

# bats test_tags=once
@test "loader and guard are killed at once: the next one lets go" {
    storm_while kill_loader_and_guard
    LONGEST_US=60000000 storm_was_right
    nobody_is_stopped
}

@test "the loader is stopped again and again: no process is held, all are right" {
    storm_while stop_loader
    storm_was_right
    nobody_is_stopped
}
loader_serves() {
    [[ -e /proc/$DAEMON && $(process_state "$DAEMON") != Z ]] || daemon_start
    timensbpf show --json | grep -q '"loader": true'
}

# bats test_tags=once
@test "the loader is frozen, the guard is not: no process is held, all are right" {
    # Not below $CGROUP, which the storm's processes live in and die with.
    FROZEN=$CGROUPS/frozen-$OWN
    mkdir "$FROZEN"
    storm_while freeze_loader
    echo "$DAEMON" >"$CGROUPS/cgroup.procs"
    rmdir "$FROZEN"
    storm_was_right
    nobody_is_stopped
}
# Frozen while it traces a process, it is ended for that: it has no beat, and is
# neither stopped nor ready to run. Of eight streams it nearly always traces one.
freeze_loader() {
    local hung try
    hung=$(figure loader_hung)
    for try in {1..10}; do
        echo "$DAEMON" >"$FROZEN/cgroup.procs"
        echo 1 >"$FROZEN/cgroup.freeze"
        ! PATIENCE=1 wait_until 3 process_is_gone "$DAEMON" || break
        echo 0 >"$FROZEN/cgroup.freeze"
    done
    echo 0 >"$FROZEN/cgroup.freeze"
    daemon_start
    (($(figure loader_hung) > hung))
}

# bats test_tags=once
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

# bats test_tags=once
@test "it dies over a program that starts: all doors are right, and the next one sees to it" {
    daemon_stop
    # With all but the pass written.
    TIMENSBPF_TEST_STOP_AT=1 daemon_start
    serve_start "${IN[@]}" "$CGROUP"
    wait_until 20 process_is_gone "$DAEMON"
    serve all-dead
    ! shows "$SERVER" fast
    daemon_start
    wait_until 20 shows "$SERVER" fast
    serve all-next
    serve_stop
    for when in dead next; do
        fast_doors "$SERVED" "all-$when/"
    done
}

# bats test_tags=once
@test "run is killed: what it started goes on" {
    daemon_stop
    timensbpf run "${CLOCKS[@]}" --name "$OWN" -- timeout 600 exec_storm 4 400 >"$STORM" &
    wait_until 30 pgrep -x exec_storm
    kill -KILL "$!"
    wait_until 60 test -s "$STORM"
    daemon_start
    storm_was_good 400 1
}

# bats test_tags=once
@test "a second loader is refused" {
    run timensbpfd -f
    [[ $status == 1 && $output == *"another loader runs"* ]]
}

# bats test_tags=once
@test "a loader in virtual time is refused" {
    daemon_stop
    run in_cgroup "$CGROUP" timensbpfd -f
    daemon_start
    [[ $status == 1 && $output == *"virtual time itself"* ]]
}
