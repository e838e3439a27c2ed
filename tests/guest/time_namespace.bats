# SPDX-License-Identifier: GPL-2.0-or-later
# Inside a kernel time namespace both offsets add up.
#
# Kernels: one with time namespaces. One CPU: it does one thing after the other.
# bats file_tags=kernel:6-1-ei,one-cpu

load helpers

NAMESPACE_MONOTONIC=7000
NAMESPACE_BOOTTIME=9000

setup_file() {
    [[ -e /proc/self/ns/time ]] || skip 'this kernel has no time namespaces'
    file_begin
}
teardown_file() { file_end; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    SUM=("${OFFSETS[0]}" $((OFFSETS[1] + NAMESPACE_MONOTONIC * 1000000000))
        $((OFFSETS[2] + NAMESPACE_BOOTTIME * 1000000000)))
    NAMESPACE=(unshare -T --monotonic "$NAMESPACE_MONOTONIC" --boottime "$NAMESPACE_BOOTTIME" --fork)
    FILE=$BATS_TEST_TMPDIR/readings
}

teardown() { test_end; }

@test "made inside a virtual cgroup, every door of every kind of program" {
    local variant
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    for variant in "${VARIANTS[@]}"; do
        in_cgroup "$CGROUP" "${NAMESPACE[@]}" "read_clocks-$variant" --reference "$REFERENCE" >"$FILE"
        expect_doors "$FILE" '(raw-clock|raw-gettimeofday|raw-adjtimex|libc-clock|libc-go|int80-clock).*' \
            "${SUM[@]}"
    done
}

@test "made outside, then moved in" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    "${NAMESPACE[@]}" bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$CGROUP" \
        read_clocks-static --quick --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "${SUM[@]}"
}

@test "a process that lives in one when the rule begins, changes and ends" {
    local namespace=(0 $((NAMESPACE_MONOTONIC * 1000000000)) $((NAMESPACE_BOOTTIME * 1000000000)))
    serve_start "${IN[@]}" "$CGROUP" "${NAMESPACE[@]}"
    serve before
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve during
    timensbpf unset --cgroup "$CGROUP" --force
    serve after
    expect_doors "$SERVED" 'before/raw-.*' "${namespace[@]}"
    expect_doors "$SERVED" 'during/raw-.*' "${SUM[@]}"
    expect_doors "$SERVED" 'after/raw-.*' "${namespace[@]}"
}

@test "uptime of the namespace is set from inside, the host's clock is not" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    host_remember
    in_cgroup "$CGROUP" "${NAMESPACE[@]}" set_clock >"$FILE"
    [[ $(grep -v '^reading-' "$FILE" | grep -c ' ok$') == 0 ]]
    host_is_unchanged
}
