# SPDX-License-Identifier: GPL-2.0-or-later
# Many threads of raw reads on few CPUs: none may show the host's time.
#
# Kernels: both kinds of preemption.
# bats file_tags=kernel:latest,kernel:6-12-preempt

load helpers

SECONDS_EACH=${TIMENSBPF_HAMMER_SECONDS:-8}

setup_file() { file_begin; }
teardown_file() {
    neighbour_stop
    file_end
}
teardown() {
    neighbour_stop
    cgroups_remove
}

neighbour_start() {
    map_neighbour "$1" >"$BATS_TEST_TMPDIR/neighbour" 3>&- &
    echo "$!" >"$BATS_FILE_TMPDIR/neighbour.pid"
    wait_until 20 grep -q ready "$BATS_TEST_TMPDIR/neighbour"
}

neighbour_stop() {
    local pid
    [[ -e $BATS_FILE_TMPDIR/neighbour.pid ]] || return 0
    pid=$(<"$BATS_FILE_TMPDIR/neighbour.pid")
    rm "$BATS_FILE_TMPDIR/neighbour.pid"
    kill -KILL "$pid" 2>/dev/null || true
}

# hammer_with PROBE THREADS: its line of JSON in $JSON
hammer_with() {
    hammer_prepare
    JSON=$(timensbpf run "${CLOCKS[@]}" --name "$OWN" -- "$1" --threads "$2" \
        --seconds "$SECONDS_EACH" "${HAMMER[@]}" 2>/dev/null) || return
    echo "$JSON"
    (($(number reads "$JSON") > 1000))
}

none_wrong() {
    [[ $(number right "$JSON") == $(number reads "$JSON") ]] || fail "wrong reads: $JSON"
}

@test "8 threads" {
    local lost
    lost=$(figure read_lost)
    hammer_with hammer 8
    none_wrong
    [[ $(figure read_lost) == "$lost" ]]
}

@test "32 threads" {
    local lost
    lost=$(figure read_lost)
    hammer_with hammer 32
    none_wrong
    [[ $(figure read_lost) == "$lost" ]]
}

@test "8 threads of 32-bit code" {
    SECONDS_EACH=$(((SECONDS_EACH + 3) / 4))
    hammer_with hammer32 8
    none_wrong
}

@test "8 threads, beside a neighbour that updates BPF maps: what is missed is counted" {
    local before missed unshifted
    before=$(missed_reads)
    neighbour_start 8
    SECONDS_EACH=$(((SECONDS_EACH + 1) / 2))
    hammer_with hammer 8
    neighbour_stop
    missed=$(($(missed_reads) - before))
    unshifted=$(number unshifted "$JSON")
    # Missed reads are the host's; none is anything else.
    [[ $(number doubled "$JSON") == 0 && $(number other "$JSON") == 0 ]]
    [[ $(number failed "$JSON") == 0 ]]
    ((unshifted > 0)) || return 0
    [[ $(doctor_health misses) == warn ]]
    [[ $(doctor_text misses) != *"does not count"* ]] ||
        skip "known gap: $(doctor_text misses) (here $unshifted of $(number reads "$JSON"))"
    ((missed >= unshifted)) || fail "$unshifted reads were missed, $missed shown"
    [[ $(doctor_text misses) == *"; so far: "*missed.* ]] || fail "$(doctor_text misses)"
}

@test "moved in and out meanwhile, each read is the host's or virtual" {
    local pid
    cgroup_make inside
    mkdir "$CGROUPS/$OWN.outside"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    hammer_prepare
    hammer --threads 8 --seconds 4 "${HAMMER[@]}" \
        >"$BATS_TEST_TMPDIR/json" 3>&- &
    pid=$!
    while [[ ! -s $BATS_TEST_TMPDIR/json ]] && kill -0 "$pid" 2>/dev/null; do
        echo "$pid" >"$CGROUP/cgroup.procs" || true
        echo "$pid" >"$CGROUPS/$OWN.outside/cgroup.procs" || true
    done 2>/dev/null
    wait "$pid"
    JSON=$(<"$BATS_TEST_TMPDIR/json")
    echo "$JSON"
    (($(number right "$JSON") > 0 && $(number unshifted "$JSON") > 0))
    [[ $(number doubled "$JSON") == 0 && $(number other "$JSON") == 0 ]]
    [[ $(number failed "$JSON") == 0 ]]
}
