# SPDX-License-Identifier: GPL-2.0-or-later
# What the rest of the machine sees of it: nothing.
#
# Kernels: one, what others see is the same on all. One CPU: it does one thing
# after the other.
# bats file_tags=kernel:6-12,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }

setup() {
    host_remember
    rule_make
}

teardown() { test_end; }

@test "clock and discipline, while others live in their own time" {
    serve_start "${IN[@]}" "$CGROUP"
    serve inside
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
    host_is_unchanged
}

@test "a process outside starts with its vDSO and reads by it" {
    auxv_dump | grep -q 'sysinfo_ehdr present'
    read_clocks-dynamic --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/outside"
    expect_doors "$BATS_TEST_TMPDIR/outside" \
        'vdso-(getauxval|stack|proc-auxv|mapping)-.*' "${HOST[@]}"
    # Fast: the C library makes no system call to read the clock.
    strace -o "$BATS_TEST_TMPDIR/trace" -e trace=clock_gettime,gettimeofday,time \
        python3 -c 'import time; [time.time() for _ in range(1000)]'
    (($(grep -c . "$BATS_TEST_TMPDIR/trace") < 100))
}

@test "another cgroup without a rule, beside and above" {
    mkdir "$CGROUPS/$OWN.beside" "$CGROUPS/$OWN.above" "$CGROUPS/$OWN.above/below"
    timensbpf set --cgroup "$CGROUPS/$OWN.above/below" --realtime +1h
    in_cgroup "$CGROUPS/$OWN.beside" read_clocks-static --quick --reference "$REFERENCE" \
        --prefix beside >"$BATS_TEST_TMPDIR/out"
    in_cgroup "$CGROUPS/$OWN.above" read_clocks-static --quick --reference "$REFERENCE" \
        --prefix above >>"$BATS_TEST_TMPDIR/out"
    expect_doors "$BATS_TEST_TMPDIR/out" 'beside/.*' "${HOST[@]}"
    expect_doors "$BATS_TEST_TMPDIR/out" 'above/.*' "${HOST[@]}"
}

@test "two virtual times at once do not mix" {
    mkdir "$CGROUPS/$OWN.other"
    timensbpf set --cgroup "$CGROUPS/$OWN.other" --realtime +1h --monotonic +2h --boottime +3h
    in_cgroup "$CGROUPS/$OWN.other" read_clocks-static --quick --reference "$REFERENCE" \
        --prefix other >"$BATS_TEST_TMPDIR/out"
    in_cgroup "$CGROUP" read_clocks-static --quick --reference "$REFERENCE" \
        --prefix first >>"$BATS_TEST_TMPDIR/out"
    expect_doors "$BATS_TEST_TMPDIR/out" 'other/.*' 3600000000000 7200000000000 10800000000000
    expect_doors "$BATS_TEST_TMPDIR/out" 'first/.*' "${OFFSETS[@]}"
}
