# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What storm.bats and storm_one_cpu.bats share. The storm itself is probes/storm.c.

STORM_SECONDS=${TIMENSBPF_WHOLE_STORM:-20}

# whole_storm: its line of JSON in $JSON, what went wrong in $STORM.why
whole_storm() {
    local place waits
    STORM=$BATS_TEST_TMPDIR/storm
    for place in outside first second waits; do mkdir "$CGROUPS/$OWN.$place"; done
    timensbpf set --cgroup "$CGROUPS/$OWN.waits" "${CLOCKS[@]}"
    in_cgroup "$CGROUPS/$OWN.waits" deadline_storm --threads 4 \
        --seconds "${STORM_SECONDS%,*}" >"$STORM.waits" 3>&- &
    waits=$!
    busy_begin 1
    nice -n -5 storm "$STORM_SECONDS" "$STORM.shared" "$STORM.log" \
        "$CGROUPS/$OWN".{outside,first,second} >"$STORM" 2>"$STORM.why" 3>&-
    wait "$waits"
    JSON=$(<"$STORM")
    tell "$JSON" "$(<"$STORM.waits")"
}

whole_storm_was_good() {
    local key
    head -n 40 "$STORM.why"
    grep -v ' serves$' "$STORM.log" | sort | uniq -c || true
    for key in wrong late backward missed stopped died deadline_lost deadline_stuck read_lost \
        sets_failed; do
        [[ $(number "$key" "$JSON") == 0 ]] || fail "$key" || return
    done
    # There was a storm.
    for key in readings fast alone outside_starts moves sets kills; do
        (($(number "$key" "$JSON") > 0)) || fail "no $key" || return
    done
}

whole_storm_end() {
    busy_end
    cgroups_remove
}
