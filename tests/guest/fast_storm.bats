# SPDX-License-Identifier: GPL-2.0-or-later
# The loader under load: a program that starts in a rule reads virtual time at its
# first instruction, fast if it can be.
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

EXECS=${TIMENSBPF_STORM_EXECS:-400}
# For how flat memory stays: as many starts as there is time for.
FLAT_EXECS=${TIMENSBPF_FLAT_EXECS:-$EXECS}
GROWTH_KIB=256

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { storm_prepare; }
teardown() { cgroups_remove; }

@test "one stream of starts: all right, all fast" {
    storm 1 300
    storm_was_good 300 300
}

@test "eight streams of starts: all right, all fast, none stopped" {
    local held
    held=$(figure exec_held)
    storm 8 "$EXECS"
    tell "$(<"$STORM")"
    storm_was_good "$EXECS" "$EXECS"
    [[ $(number stopped "$(<"$STORM")") == 0 ]]
    (($(figure exec_held) - held >= EXECS))
}

@test "programs that are killed while they start" {
    local before tracers
    tracers=$(pgrep -x -w tnb-tracer | wc -l)
    for _ in {1..60}; do
        "${IN[@]}" "$CGROUP" read_clocks-static --reference "$REFERENCE" >/dev/null 2>&1 3>&- &
        sleep "0.00$((RANDOM % 10))"
        kill -KILL "$!" || true
    done
    before=$(figure start_fast)
    wait_until 20 one_is_fast "$before"
    [[ $(pgrep -x -w tnb-tracer | wc -l) == "$tracers" ]]
}
one_is_fast() {
    in_cgroup "$CGROUP" true
    (($(figure start_fast) > $1))
}

# bats test_tags=once
@test "the threads that stop others have real-time priority" {
    local thread
    pgrep -x -w tnb-tracer
    pgrep -x timensbpf-guard
    for thread in $(pgrep -x -w tnb-tracer) $(pgrep -x timensbpf-guard); do
        chrt -p "$thread" | grep -q SCHED_FIFO || fail "$(chrt -p "$thread")"
    done
}

# bats test_tags=once
@test "starts while the rule steps forward" {
    storm 4 400 &
    while kill -0 "$!" 2>/dev/null; do
        timensbpf set --cgroup "$CGROUP" --realtime "+$((SECONDS + 300000))s"
    done
    wait "$!"
    storm_was_good 400 399
}

@test "order between the image and system calls while the rule steps forward" {
    local json hammer step ns
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s --force
    "${IN[@]}" "$CGROUP" hammer --order --threads 8 --seconds 300 >"$STORM" &
    hammer=$!
    for step in {1..4}; do
        ns=$((step * 1000000))
        timensbpf set --cgroup "$CGROUP" --realtime "+${ns}ns" --monotonic "+${ns}ns" \
            --boottime "+${ns}ns"
    done
    kill -TERM "$hammer"
    wait "$hammer"
    json=$(<"$STORM")
    echo "$json"
    [[ $(number backward "$json") == 0 && $(number failed "$json") == 0 ]]
    (($(number reads "$json") > 1000))
}

# bats test_tags=once
@test "without a daemon, run serves what it starts" {
    daemon_stop
    timensbpf run "${CLOCKS[@]}" -- timeout 600 exec_storm 4 200 >"$STORM"
    daemon_start
    storm_was_good 200 200
    [[ $(number stopped "$(<"$STORM")") == 0 ]]
}

# bats test_tags=once
@test "memory and file descriptors stay as they are" {
    local guard before='' last after pid
    guard=$(pgrep -x timensbpf-guard)
    # The C library gives each thread its heap at the first need: until two
    # storms in a row leave the same.
    for _ in {1..8}; do
        last=$before
        storm 8 "$EXECS"
        before=$(usage "$DAEMON" "$guard")
        [[ $before != "$last" ]] || break
    done
    storm 4 "$FLAT_EXECS"
    ! process_is_gone "$DAEMON" || fail "the loader has ended: $(<"$STORM")"
    after=$(usage "$DAEMON" "$guard")
    tell "before $FLAT_EXECS starts: $before" "after: $after" "$(<"$STORM")"
    storm_was_good "$FLAT_EXECS" 1
    [[ -z $(pgrep --runstates Z -P "$DAEMON,$guard") ]]
    for pid in "$DAEMON" "$guard"; do
        [[ $(number "files_$pid" "$after") == $(number "files_$pid" "$before") ]]
        (($(number "kib_$pid" "$after") <= $(number "kib_$pid" "$before") + GROWTH_KIB))
    done
}
# Those that stay open: the process itself looks into /proc now and then.
open_files() {
    local files least=1000
    for _ in {1..20}; do
        files=("/proc/$1/fd"/*)
        ((${#files[@]} >= least)) || least=${#files[@]}
    done
    echo "$least"
}
# usage PID…: files that they have open, and KiB of memory of their own (maps are
# shared with the kernel)
usage() {
    local pid
    for pid; do
        printf '"files_%d": %d, "kib_%d": %d ' "$pid" "$(open_files "$pid")" "$pid" \
            "$(sed -n 's/^RssAnon:\s*\([0-9]*\) kB/\1/p' "/proc/$pid/status")"
    done
}
