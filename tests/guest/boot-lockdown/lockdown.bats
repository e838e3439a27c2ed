# SPDX-License-Identifier: GPL-2.0-or-later
# Lockdown in force, as by Secure Boot: no program that writes user memory loads.
# The replacement vDSO is virtual, the host's clock is guarded, and what stays the
# host's is named.
# Kernel arguments: lockdown=integrity

load ../helpers

setup_file() {
    file_begin_clean
    timensbpf load 2>"$BATS_FILE_TMPDIR/load"
}
teardown_file() { file_end_clean; }

setup() {
    grep -q '\[\(integrity\|confidentiality\)\]' /sys/kernel/security/lockdown ||
        skip 'boot with lockdown=integrity'
    rule_make 2>"$BATS_TEST_TMPDIR/set"
    FILE=$BATS_TEST_TMPDIR/readings
    host_remember
}

teardown() {
    watch_stop
    serve_stop
    [[ ! -e $BATS_FILE_TMPDIR/daemon.pid ]] || { daemon_stop && rm "$BATS_FILE_TMPDIR/daemon.pid"; }
    cgroups_remove
}

GAPS=('clocks read by system call' 'time(2) by system call' 'absolute waits'
    'start while no loader serves')

# read_fast NAME COMMAND…: COMMAND reads in the rule, without clock calls, fast
read_fast() {
    local name=$1
    shift
    in_cgroup "$CGROUP" no_clock_calls "$@" --reference "$REFERENCE" --prefix "$name" \
        >"$FILE.$name" || return
    fast_doors "$FILE.$name" "$name/"
}

# watch_start: a process of the rule that reads REALTIME and MONOTONIC as fast as it
# can. watch_stop: "R - M" of the rules that it saw, in hours, in $SEEN.
watch_start() {
    : >"$BATS_TEST_TMPDIR/watched"
    mkfifo "$BATS_TEST_TMPDIR/watch"
    exec {WATCH_FD}<>"$BATS_TEST_TMPDIR/watch"
    in_cgroup "$CGROUP" python3 -c '
import os, select, sys, time
def distance(): return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
host, seen = int(sys.argv[1]), {}
os.write(1, b"reads\n")
while not select.select([0], [], [], 0)[0]:
    for i in range(1000):
        hours = round((distance() - host) / 3.6e12)
        seen[hours] = seen.get(hours, 0) + 1
os.write(1, (" ".join(str(hours) for hours in sorted(seen)) + "\n").encode())' \
        "$(host_distance)" <"$BATS_TEST_TMPDIR/watch" >"$BATS_TEST_TMPDIR/watched" 3>&- {WATCH_FD}>&- &
    WATCH=$!
    wait_until 20 grep -q reads "$BATS_TEST_TMPDIR/watched"
}

watch_stop() {
    [[ ${WATCH-} ]] || return 0
    echo >&"$WATCH_FD"
    exec {WATCH_FD}>&-
    wait "$WATCH" || return
    WATCH=
    SEEN=$(tail -n 1 "$BATS_TEST_TMPDIR/watched")
    rm "$BATS_TEST_TMPDIR/watch"
}

host_distance() {
    python3 -c 'import time
print(time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC))'
}

# all_named TEXT: each door that stays the host's
all_named() {
    local gap
    for gap in "${GAPS[@]}"; do
        [[ $1 == *"$gap"* ]] || fail "not named: $gap" "$1" || return
    done
}

@test "doctor names lockdown, and each door that stays the host's" {
    local key
    [[ $(doctor_health lockdown) == warn ]]
    [[ $(one_line timensbpf doctor --json) == *'"can_load": true'* ]]
    for key in reads reads-32 time-syscall time-syscall-32 waits waits-ring vdso-lookup fast-path; do
        [[ $(doctor_health "$key") == warn ]] || fail "$key: $(doctor_text "$key")"
        [[ $(doctor_text "$key") == *HOST* ]] || fail "$key: $(doctor_text "$key")"
    done
}

@test "load, run and show name each of them in one line" {
    all_named "$(<"$BATS_FILE_TMPDIR/load")"
    [[ $(wc -l <"$BATS_FILE_TMPDIR/load") == 1 ]]
    all_named "$(timensbpf run --realtime +1h -- true 2>&1)"
    [[ $(timensbpf run --realtime +1h -- true 2>&1 | wc -l) == 1 ]]
    [[ -z $(timensbpf run -q --realtime +1h -- true 2>&1) ]]
    all_named "$(timensbpf show)"
    all_named "$(one_line timensbpf show --json)"
    grep -q 'no loader' "$BATS_TEST_TMPDIR/set"
}

@test "nothing that writes user memory is loaded" {
    [[ ! -e $PINS/progs/kprobe_finalize_exec && -z $(compgen -G "$PINS/links/deadline_*") ]]
    [[ -e $PINS/links/lsm_start && -e $PINS/links/lsm_exec_shown ]]
    [[ $(one_line timensbpf show --json) == *'"attach": "none"'* ]]
    expect_refusal 1 'lockdown' timensbpf load --attach fexit
    timensbpf load | grep -q 'loaded already'
}

@test "with a loader every kind of program reads by the image, from the first instruction on" {
    local variant
    daemon_start
    for variant in "${VARIANTS[@]}"; do
        read_fast "$variant" "read_clocks-$variant"
    done
    [[ $(figure exec_shown) == 0 ]]
    host_is_unchanged
}

@test "run has a loader of its own" {
    timensbpf run -q "${CLOCKS[@]}" -- no_clock_calls read_clocks-dynamic \
        --reference "$REFERENCE" >"$FILE"
    fast_doors "$FILE" ''
}

@test "run refuses where no loader can serve" {
    mount --bind /bin/false "$(readlink -f "$(type -P timensbpfd)")"
    run --separate-stderr timensbpf run -q --realtime +1h -- echo ran
    umount "$(readlink -f "$(type -P timensbpfd)")"
    [[ $status == 125 && -z $output && $stderr == *'start timensbpfd'* ]]
}

@test "system calls have the host's time, 64-bit and 32-bit (known gap)" {
    local variant
    daemon_start
    for variant in dynamic static32; do
        in_cgroup "$CGROUP" "read_clocks-$variant" --reference "$REFERENCE" >"$FILE"
        expect_doors "$FILE" 'raw-(clock_gettime|gettimeofday|time).*' 0 0 0
        fast_doors "$FILE" ''
    done
}

@test "setting the clock is refused, in 64 and 32 bit" {
    local before program
    before=$(figure set_denied)
    for program in set_clock set_clock32; do
        in_cgroup "$CGROUP" "$program" >"$BATS_TEST_TMPDIR/$program"
        grep -q ' EPERM$' "$BATS_TEST_TMPDIR/$program"
        [[ $(grep -v '^reading-' "$BATS_TEST_TMPDIR/$program" | grep -c ' ok$') == 0 ]]
    done
    (($(figure set_denied) - before >= 30))
    host_is_unchanged
}

@test "a program that starts without a loader is counted, listed, and changed by the next one" {
    local before
    before=$(figure exec_shown)
    serve_start "${IN[@]}" "$CGROUP"
    serve first
    expect_doors "$SERVED" 'first/libc-.*' 0 0 0
    (($(figure exec_shown) > before))
    shows "$SERVER" visible
    [[ $(shown_as "$SERVER") == *HOST* ]]
    [[ $(timensbpf show) == *'missed '*"host's time"* ]]
    daemon_start
    wait_until 20 shows "$SERVER" fast
    serve second
    fast_doors "$SERVED" second/
}

@test "what set changes is virtual without a loader" {
    cgroup_make second
    serve_start "${IN[@]}" "$CGROUP"
    serve first
    expect_doors "$SERVED" 'first/libc-.*' 0 0 0
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$SERVER" fast
    serve second
    fast_doors "$SERVED" second/
    timensbpf unset --cgroup "$CGROUP" --force
    serve third
    fast_doors "$SERVED" third/ 0 0 0
}

@test "a process that moves does not take the time from those that stay" {
    local own=$CGROUP other
    daemon_start
    watch_start
    serve_start "${IN[@]}" "$own"
    serve first
    fast_doors "$SERVED" first/
    cgroup_make other
    other=$CGROUP
    timensbpf set --cgroup "$other" --realtime +1h
    echo "$SERVER" >"$other/cgroup.procs"
    wait_until 20 shows "$SERVER" fast
    serve second
    fast_doors "$SERVED" second/ 3600000000000 0 0
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    wait_until 20 reads_host_time
    watch_stop
    diff <(echo 24) <(echo "$SEEN")
}
reads_host_time() {
    LOOK=$((${LOOK-0} + 1))
    serve "look$LOOK"
    expect_doors "$SERVED" "look$LOOK/libc-.*" 0 0 0 2>/dev/null
}

@test "a process that leaves while no loader serves is counted" {
    local before
    daemon_start
    serve_start "${IN[@]}" "$CGROUP"
    serve first
    fast_doors "$SERVED" first/
    daemon_stop
    before=$(figure rule_kept)
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    [[ $(figure rule_kept) == $((before + 1)) ]]
    daemon_start
    wait_until 20 reads_host_time
}

@test "a rule within a rule begins and ends without a moment of the host's time" {
    daemon_start
    mkdir "$CGROUP/below"
    CGROUP=$CGROUP/below watch_start
    for ((i = 0; i < 10; i++)); do
        timensbpf set --cgroup "$CGROUP/below" --realtime +30d
        timensbpf unset --cgroup "$CGROUP/below" --force
    done
    watch_stop
    diff <(echo '24 672') <(echo "$SEEN")
}

# Last: there is no way back.
@test "confidentiality is refused with the reason" {
    cgroups_remove
    timensbpf unload --force
    nothing_is_loaded
    echo confidentiality >/sys/kernel/security/lockdown
    cgroup_make "$BATS_TEST_NUMBER"
    remember
    expect_refusal 1 'lockdown.*(Secure Boot|lockdown=)' timensbpf load
    expect_refusal 1 'lockdown' timensbpf set --cgroup "$CGROUP" --realtime +1h
    expect_refusal 125 'lockdown' timensbpf run --realtime +1h -- true
    is_unchanged
    nothing_is_loaded
    rm -f "$BATS_FILE_TMPDIR/doctor"
    [[ $(doctor_health lockdown) == fail ]]
}
