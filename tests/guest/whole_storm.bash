# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What storm.bats and storm_one_cpu.bats share. The storm itself is probes/storm.c.

STORM_SECONDS=${TIMENSBPF_WHOLE_STORM:-20}
# Figures that are compared before and after, with and without a loader
STORM_FIGURES=(call_begun call_lost call.completed call.gone call.late deadline_lost deadline_stuck deadline_forked read_lost)

# whole_storm: its line of JSON in $JSON, what went wrong in $STORM.why, that of the
# waits in $WAITS
whole_storm() {
    local place waits
    STORM=$BATS_TEST_TMPDIR/storm
    for place in outside first second waits; do mkdir "$CGROUPS/$OWN.$place"; done
    timensbpf set --cgroup "$CGROUPS/$OWN.waits" "${CLOCKS[@]}"
    figures_remember
    in_cgroup "$CGROUPS/$OWN.waits" deadline_storm --threads 4 \
        --seconds "${STORM_SECONDS%,*}" >"$STORM.waits" 3>&- &
    waits=$!
    busy_begin 1
    nice -n -5 storm "$STORM_SECONDS" "$STORM.shared" "$STORM.log" \
        "$CGROUPS/$OWN".{outside,first,second} >"$STORM" 2>"$STORM.why" 3>&-
    wait "$waits"
    JSON=$(<"$STORM") WAITS=$(<"$STORM.waits")
    figures_compare
    tell "$JSON" "$WAITS" "$(declare -p GROWN)"
    # Programs that the kernel skipped, by name
    timensbpf show --figures | grep '^ *missed' || true
}

# figures_remember, figures_compare: by how much each grew in between, in $GROWN. No
# loader lives and no process of a rule reads then, so no call is half counted.
figures_remember() {
    local name
    declare -gA GROWN=()
    for name in "${STORM_FIGURES[@]}"; do GROWN[$name]=$(figure "$name"); done
}
figures_compare() {
    local name
    for name in "${STORM_FIGURES[@]}"; do
        GROWN[$name]=$(($(figure "$name") - GROWN[$name]))
    done
}

whole_storm_was_good() {
    local key
    grep '^storm_reader' "$STORM.why" | head -n 40 || true
    grep -v '^storm_reader' "$STORM.why" | head -n 40
    grep -v ' serves$' "$STORM.log" | sort | uniq -c || true
    for key in wrong late backward missed stopped died ended_alone sets_failed; do
        [[ $(number "$key" "$JSON") == 0 ]] || fail "$key" || return
    done
    # Memory that the loader did not repair in time, or not while another thread was
    # held, is counted (docs/surface.md, B). So is a start, where the machine stood still.
    is_counted {,still_}{deadline_lost,read_lost} -- {,still_}memory_{busy,late} || return
    # Where the kernel skipped the program that puts memory back, it is put back later
    # (docs/kernels.md, "What can still be missed").
    is_counted {,still_}{deadline_lost,deadline_stuck,read_lost} -- \
        {,still_}memory_{busy,late} {,still_}missed.deadline || return
    is_counted still_missed -- still_start_slow. || return
    calls_were_counted || return
    waits_were_counted || return
    # There was a storm.
    for key in readings fast alone outside_starts moves sets kills stops; do
        (($(number "$key" "$JSON") > 0)) || fail "no $key" || return
    done
}

# is_counted KEY… -- FIGURE…: the first are not more than the others
is_counted() {
    local key side=1 sum=0
    for key; do
        if [[ $key == -- ]]; then side=-1; else
            sum=$((sum + side * $(number "$key" "$JSON")))
        fi
    done
    ((sum <= 0)) || fail "$sum too many: $*"
}

# What time(2) and times(2) returned of the host's was counted, and it was not all.
calls_were_counted() {
    (($(number calls_host "$JSON") <= GROWN[call_lost])) ||
        fail "${GROWN[call_lost]} counted as call_lost" || return
    [[ ${GROWN[call.completed]} != 0 ]] || fail "no call was completed"
}

# The same of deadlines, which are lost while no loader lives. All threads of a round
# are told their deadline by one reading.
waits_were_counted() {
    local threads
    threads=$(number threads "$WAITS")
    [[ $(number failed "$WAITS") == 0 ]] || fail "waits failed" || return
    (($(number early "$WAITS") + $(number lost "$WAITS") <=
        GROWN[deadline_lost] + GROWN[read_lost] * threads)) || fail "waits" || return
    (($(number changed "$WAITS") <= GROWN[deadline_stuck])) ||
        fail "deadlines changed" || return
    (($(number changed_in_child "$WAITS") <= GROWN[deadline_forked])) ||
        fail "deadlines changed in children"
}

whole_storm_end() {
    busy_end
    cgroups_remove
}
