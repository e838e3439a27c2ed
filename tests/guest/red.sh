#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows that the tests can fail: detaches the programs of one door after the
# other (removing a link's pin detaches it) and looks whether the expectation
# that the bats files hold of that door is broken then. Run in the guest:
#   tests/vm/run -- /usr/local/lib/timensbpf/tests/guest/red.sh
# Ends with the number of doors that stayed green, which must be 0.

# The functions are called by name.
# shellcheck disable=SC2317

PINS=/sys/fs/bpf/timensbpf
WORK=$(mktemp -d) || exit
CGROUP=/sys/fs/cgroup/tnbtest-red
OFFSETS=(259200000000000 172800000000000 108000000000000)
DOORS='(raw|libc|int80)-(clock_gettime|gettimeofday|adjtimex|clock_adjtime).*'
green=0

clock_reference "$WORK/reference" &
reference=$!
trap 'kill "$reference"; rm -rf "$WORK"; timensbpf unload --force' EXIT

begin() {
    timensbpf unload --force
    timensbpf load --attach fexit >/dev/null || exit
    mkdir -p "$CGROUP"
    timensbpf set --cgroup "$CGROUP" --realtime +3d --monotonic +2d --boottime +30h || exit
}

# shellcheck disable=SC2016
inside() { bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$@"; }

readings_are_right() {
    local variant status=0
    for variant in static static32; do
        inside "$CGROUP" "read_clocks-$variant" --reference "$WORK/reference" >"$WORK/$variant"
        judge_doors "$WORK/$variant" "$DOORS" "${OFFSETS[@]}" || status=1
    done
    return "$status"
}

setting_is_refused() { ! inside "$CGROUP" set_clock | grep -v ^reading | grep ' ok$'; }

vdso_is_hidden() {
    inside "$CGROUP" read_clocks-dynamic --reference "$WORK/reference" >"$WORK/dynamic"
    judge_doors "$WORK/dynamic" 'vdso-(getauxval|stack)-.*' absent
}

cgroup_inherits() {
    local status=0
    mkdir "$CGROUP/later"
    inside "$CGROUP/later" read_clocks-static --quick --reference "$WORK/reference" >"$WORK/later"
    judge_doors "$WORK/later" '.*' "${OFFSETS[@]}" || status=1
    rmdir "$CGROUP/later"
    return "$status"
}

entry_goes() {
    local before tries
    before=$(fill_map "$PINS/maps/cgroup_slots" list)
    mkdir "$CGROUP/later"
    rmdir "$CGROUP/later"
    for ((tries = 0; tries < 40; tries++)); do
        [[ $(fill_map "$PINS/maps/cgroup_slots" list) == "$before" ]] && return
        sleep 0.05
    done
    echo "an entry is left"
    return 1
}

execs_are_counted() {
    local before after
    before=$(timensbpf show --figures | awk '$1 == "exec_begun" { print $2 }')
    inside "$CGROUP" true
    after=$(timensbpf show --figures | awk '$1 == "exec_begun" { print $2 }')
    [[ $after != "$before" ]] || { echo "not counted"; return 1; }
}

# Doors that all six copies of a deadline serve, in 64 and 32 bit.
deadlines_are_right() {
    local probe
    for probe in deadlines deadlines32; do
        inside "$CGROUP" "$probe" --only '^(clock_nanosleep|timer_settime-|timer_settime_time64|io_uring_(timeout|update))'
    done >"$WORK/lines"
    ! grep '^bad' "$WORK/lines" | grep -vE -- '-(readonly|untouched)'
}

# red EXPECTATION LINK…: holds while they are attached, not afterwards
red() {
    local expectation=$1 link
    shift
    begin
    "$expectation" >"$WORK/out" || { echo "RED BEFORE: $expectation"; cat "$WORK/out"; }
    for link; do
        rm "$PINS/links/$link" || { green=$((green + 1)); return; }
    done
    if "$expectation" >"$WORK/out"; then
        echo "GREEN without $*: $expectation"
        green=$((green + 1))
    else
        echo "red without $*: $expectation: $(grep -c . "$WORK/out") wrong, as $(tail -1 "$WORK/out" | cut -c-90)"
    fi
}

red setting_is_refused lsm_settime lsm_capable
red vdso_is_hidden kprobe_finalize_exec tp_sched_process_exec
red cgroup_inherits lsm_kernfs_init_security tp_cgroup_mkdir
red entry_goes tp_cgroup_release
red execs_are_counted lsm_bprm_committed_creds
begin
fexits=$(basename -a "$PINS"/links/fexit_*)
ins=$(basename -a "$PINS"/links/deadline_in_*)
for link in $fexits; do
    red readings_are_right "$link"
done
for link in $ins; do
    red deadlines_are_right "$link"
done
rmdir "$CGROUP"
exit "$green"
