# SPDX-License-Identifier: GPL-2.0-or-later
# `bpf` is not in the kernel's LSM list: the host's clock is guarded in another
# way, or nothing is loaded.
# Kernel arguments: lsm=landlock,lockdown,yama

load ../helpers

setup_file() {
    clean
    reference_start
}
teardown_file() {
    clean
    reference_stop
}

setup() {
    grep -qw bpf /sys/kernel/security/lsm && skip 'boot with lsm=landlock,lockdown,yama'
    cgroup_make "$BATS_TEST_NUMBER"
    host_remember
}

teardown() { cgroups_remove; }

@test "either refused with the reason, or guarded" {
    case $(doctor_health lsm) in
    fail)
        expect_refusal 1 'lsm=' timensbpf load
        expect_refusal 125 'lsm=' timensbpf run --realtime +1h -- true
        ;;
    warn)
        timensbpf set --cgroup "$CGROUP" --realtime +3d
        in_cgroup "$CGROUP" set_clock >"$BATS_TEST_TMPDIR/set"
        [[ $(grep -v '^reading-' "$BATS_TEST_TMPDIR/set" | grep -c ' ok$') == 0 ]]
        in_cgroup "$CGROUP" read_clocks-dynamic --quick --reference "$REFERENCE" \
            >"$BATS_TEST_TMPDIR/out"
        expect_doors "$BATS_TEST_TMPDIR/out" '.*' 259200000000000 0 0
        daemon_start
        # Without BPF LSM a start can be missed, and has no page then.
        wait_until 60 page_is_guarded
        daemon_stop
        mkdir "$CGROUP/below"
        in_cgroup "$CGROUP/below" read_clocks-dynamic --quick --reference "$REFERENCE" \
            >"$BATS_TEST_TMPDIR/out"
        expect_doors "$BATS_TEST_TMPDIR/out" '.*' 259200000000000 0 0
        ;;
    *) fail "doctor says $(doctor_text lsm)" ;;
    esac
    host_is_unchanged
}
