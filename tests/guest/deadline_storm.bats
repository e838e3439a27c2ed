# SPDX-License-Identifier: GPL-2.0-or-later
# Many threads that wait until absolute times in the same memory, beside forks.
#
# Kernels: both kinds of preemption.
# bats file_tags=kernel:6-1,kernel:6-12-preempt

load helpers

# At least. In 48 rounds both clocks, all ways of waiting and all layouts meet a
# deadline in the past and some in the future, however slow the machine.
SECONDS_EACH=${TIMENSBPF_STORM_SECONDS:-4}
ROUNDS_EACH=48
BACKWARD=(--realtime -1000.5s --monotonic -1.250000001s --boottime -1.500000003s)

setup_file() { file_begin; }
# Programs that miss on purpose are for these tests alone.
teardown_file() {
    file_end
    timensbpf unload --force
}
teardown() { cgroups_remove; }

inside() { timensbpf run "${CLOCKS[@]}" --name "$OWN" -- "$@"; }
behind() { timensbpf run "${BACKWARD[@]}" --name "$OWN" -- "$@"; }

# storm COMMAND…: its line of JSON in $JSON, every thread in every round,
# nothing failed
storm() {
    JSON=$("$@" --seconds "$SECONDS_EACH" --rounds "$ROUNDS_EACH" 2>/dev/null)
    echo "$JSON"
    (($(number calls "$JSON") >= ROUNDS_EACH * $(number threads "$JSON"))) ||
        fail "few calls: $JSON"
    none failed
}

none() {
    local key
    for key; do
        [[ $(number "$key" "$JSON") == 0 ]] || fail "$key: $JSON"
    done
}

# calm COMMAND…: no wait was early or lost, no memory changed
calm() {
    storm "$@"
    none early lost changed changed_in_child
}

# forked COMMAND…: the same beside forks. A fork that comes between storing a
# deadline and passing it makes its page unwritable, and so does one that comes
# between a clock read and its correction: the loader repairs both. A fork that
# comes between translating and putting back takes the translation along; the
# child's copy holds it until its page is written.
forked() {
    local taken mended
    mended=$(figure memory_mended) taken=$(figure deadline_forked)
    storm "$@"
    (($(number forks "$JSON") > SECONDS_EACH)) || fail "few forks: $JSON"
    none early lost changed
    taken=$(($(figure deadline_forked) - taken)) mended=$(($(figure memory_mended) - mended))
    ((mended > 0)) || fail "nothing was repaired: $JSON"
    (($(number changed_in_child "$JSON") <= taken)) ||
        fail "$taken counted as deadline_forked: $JSON"
}

# unserved COMMAND…: the same without a loader. All of it is counted. A read
# that was not corrected is the host's time, from which all threads of a round
# are told their deadline.
unserved() {
    local lost stuck taken reads
    reads=$(figure read_lost)
    lost=$(figure deadline_lost) stuck=$(figure deadline_stuck) taken=$(figure deadline_forked)
    storm "$@"
    (($(number forks "$JSON") > SECONDS_EACH)) || fail "few forks: $JSON"
    lost=$(($(figure deadline_lost) - lost)) stuck=$(($(figure deadline_stuck) - stuck))
    taken=$(($(figure deadline_forked) - taken)) reads=$(($(figure read_lost) - reads))
    (($(number early "$JSON") + $(number lost "$JSON") <= lost + reads * $(number threads "$JSON"))) ||
        fail "$lost counted as deadline_lost, $reads as read_lost: $JSON"
    (($(number changed "$JSON") <= stuck)) || fail "$stuck counted as deadline_stuck: $JSON"
    (($(number changed_in_child "$JSON") <= taken)) ||
        fail "$taken counted as deadline_forked: $JSON"
    [[ $(doctor_health waits-memory) == note ]]
}

@test "outside" {
    calm deadline_storm --threads 8
    calm deadline_storm32 --threads 8
}

@test "8 threads, shared and private deadlines" {
    calm inside deadline_storm --threads 8 --no-fork
}

@test "32 threads" { calm inside deadline_storm --threads 32 --no-fork; }

@test "8 threads of 32-bit code" { calm inside deadline_storm32 --threads 8 --no-fork; }

@test "8 threads, clocks set back" { calm behind deadline_storm --threads 8 --no-fork; }

@test "8 threads beside forks: nothing is lost" { forked inside deadline_storm --threads 8; }

@test "8 threads beside forks, clocks set back: nothing is lost" {
    forked behind deadline_storm --threads 8
}

@test "8 threads beside forks, without a loader: what is lost is counted" {
    rule_make
    wait_until 10 no_daemon
    unserved in_cgroup "$CGROUP" deadline_storm --threads 8
}

@test "8 threads, one way out in ten is not taken: nothing is left changed" {
    local late
    cgroups_remove
    timensbpf unload
    TIMENSBPF_TEST_MISS_ONE_IN=10 timensbpf load
    late=$(figure deadline_late)
    calm inside deadline_storm --threads 8 --no-fork --rest
    (($(figure deadline_late) > late))
}
