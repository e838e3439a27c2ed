# SPDX-License-Identifier: GPL-2.0-or-later
# Door D as it protects: from a virtual cgroup no process sets the host's clock.
#
# Kernels: one, the guard is the same on all. One CPU: it does one thing after the
# other.
# bats file_tags=kernel:6-1-ei,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" --realtime +3d
    host_remember
}

teardown() { cgroups_remove; }

# Auxiliary clocks (16 to 23) refuse as such where the kernel has none or they
# are not enabled.
refused() {
    local line doors=0
    while read -r line; do
        [[ $line != reading-* ]] || continue
        doors=$((doors + 1))
        # The RTC's driver turns the refusal of the capability into EACCES.
        [[ $line == *" EPERM" || $line == "rtc-set_time "@(absent|EACCES) ]] && continue
        [[ $line == aux*" EINVAL" && ! -e /sys/kernel/time/aux_clocks ]] && continue
        [[ $line == aux*" ENODEV" && $line != aux0-* ]] && continue
        [[ $line == aux*-clock_adjtime" EOPNOTSUPP" ]] && continue
        fail "not refused: $line" || return
    done <"$1"
    ((doors > 40)) || fail "only $doors doors were tried"
}

auxiliary_enable() {
    local switch=/sys/kernel/time/aux_clocks/0/aux_clock_enable
    [[ ! -e $switch ]] || echo "$1" >"$switch"
}

@test "every call of 64-bit programs, as root" {
    local before
    auxiliary_enable 1
    before=$(figure set_denied)
    in_cgroup "$CGROUP" set_clock >"$BATS_TEST_TMPDIR/set"
    auxiliary_enable 0
    refused "$BATS_TEST_TMPDIR/set"
    (($(figure set_denied) - before >= 30))
    host_is_unchanged
}

@test "every call of 32-bit programs, as root" {
    in_cgroup "$CGROUP" set_clock32 >"$BATS_TEST_TMPDIR/set"
    refused "$BATS_TEST_TMPDIR/set"
    host_is_unchanged
}

@test "calls that only read are let through" {
    in_cgroup "$CGROUP" set_clock >"$BATS_TEST_TMPDIR/set"
    [[ $(grep -c '^reading-.* ok$' "$BATS_TEST_TMPDIR/set") == 3 ]]
}

@test "from a cgroup below" {
    mkdir "$CGROUP/below"
    in_cgroup "$CGROUP/below" set_clock >"$BATS_TEST_TMPDIR/set"
    refused "$BATS_TEST_TMPDIR/set"
    host_is_unchanged
}

@test "root of a user namespace" {
    in_cgroup "$CGROUP" unshare --user --map-root-user set_clock >"$BATS_TEST_TMPDIR/set"
    refused "$BATS_TEST_TMPDIR/set"
    host_is_unchanged
}

@test "without CAP_SYS_TIME" {
    in_cgroup "$CGROUP" setpriv --bounding-set=-sys_time --inh-caps=-sys_time \
        set_clock >"$BATS_TEST_TMPDIR/set"
    refused "$BATS_TEST_TMPDIR/set"
    host_is_unchanged
}

@test "date and hwclock" {
    run in_cgroup "$CGROUP" date -s '2030-01-01'
    [[ $status == 1 && $output == *"Operation not permitted"* ]]
    run in_cgroup "$CGROUP" hwclock --systohc
    ((status != 0))
    host_is_unchanged
}

@test "under a race of many that try, none gets through" {
    # shellcheck disable=SC2016
    in_cgroup "$CGROUP" bash -c 'for i in 1 2 3 4 5 6 7 8; do set_clock & done; wait' \
        >"$BATS_TEST_TMPDIR/set"
    ! grep -v '^reading-' "$BATS_TEST_TMPDIR/set" | grep ' ok$' || fail "got through"
    host_is_unchanged
}

@test "a process that leaves may set it again, one that enters may not" {
    run in_cgroup "$CGROUP" date -s "$(date '+%F %T')"
    [[ $status == 1 ]]
    host_is_unchanged
    # Outside, the clock can be set as ever; to what it shows.
    date -s "$(date '+%F %T.%N')"
}
