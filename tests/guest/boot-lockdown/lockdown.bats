# SPDX-License-Identifier: GPL-2.0-or-later
# Lockdown in force: nothing can be loaded, and that is said.
# Kernel arguments: lockdown=integrity

load ../helpers

setup() {
    grep -q '\[\(integrity\|confidentiality\)\]' /sys/kernel/security/lockdown ||
        skip 'boot with lockdown=integrity'
    cgroup_make "$BATS_TEST_NUMBER"
    host_clock wall >"$BATS_TEST_TMPDIR/wall"
}

teardown() { cgroups_remove; }

@test "load, set and run are refused with the reason" {
    remember
    expect_refusal 1 'lockdown.*(Secure Boot|lockdown=)' timensbpf load
    expect_refusal 1 'lockdown' timensbpf set --cgroup "$CGROUP" --realtime +1h
    expect_refusal 125 'lockdown' timensbpf run --realtime +1h -- true
    is_unchanged
    nothing_is_loaded
}

@test "doctor fails on lockdown" {
    [[ $(doctor_health lockdown) == fail ]]
}
