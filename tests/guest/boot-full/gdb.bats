# SPDX-License-Identifier: GPL-2.0-or-later
# A debugger beside the replacement vDSO.
# The larger image: tests/vm/run --full

load ../helpers

setup_file() {
    type -P gdb >/dev/null || skip 'boot with --full'
    file_begin_served
}
teardown_file() { file_end_served; }

setup() {
    rule_make
    FILE=$BATS_TEST_TMPDIR/readings
}
teardown() { test_end; }

@test "gdb attaches, walks the stack, and lets go" {
    serve_start "${IN[@]}" "$CGROUP"
    serve before
    timeout 60 gdb -nx -batch -p "$SERVER" -ex backtrace >"$FILE" 2>&1
    cat "$FILE"
    grep -q ' main (' "$FILE"
    serve after
    expect_doors "$SERVED" '(before|after)/.*' "${OFFSETS[@]}"
    shows "$SERVER" fast
}

@test "a program that gdb starts in a rule: slow, and right" {
    local slow
    slow=$(figure start_slow.traced)
    in_cgroup "$CGROUP" timeout 60 gdb -nx -batch -ex run --args read_clocks-dynamic \
        --reference "$REFERENCE" >"$FILE" 2>&1
    expect_doors "$FILE" 'libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday)' "${OFFSETS[@]}"
    (($(figure start_slow.traced) > slow))
}
