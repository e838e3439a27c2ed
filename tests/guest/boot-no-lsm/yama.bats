# SPDX-License-Identifier: GPL-2.0-or-later
# No process may trace another: nothing can be made fast, and all say so. Ends with
# the machine, so it is the last file in its guest.

load ../helpers

setup_file() {
    file_begin
    echo 3 >/proc/sys/kernel/yama/ptrace_scope
    daemon_start
}
teardown_file() { file_end_served; }

setup() {
    [[ $(</proc/sys/kernel/yama/ptrace_scope) == 3 ]]
    daemon_find
}

teardown() { test_end; }

@test "doctor says why nothing is fast" {
    [[ $(doctor_health tracing) == warn && $(doctor_text tracing) == *ptrace_scope* ]]
}

@test "a program that starts is slow, right, and counted" {
    local refused
    refused=$(figure start_slow.refused)
    rule_make
    serve_start "${IN[@]}" "$CGROUP"
    serve inside
    expect_doors "$SERVED" 'inside/(raw|libc)-clock_gettime-.*' "${OFFSETS[@]}"
    wait_until 10 another_is_counted start_slow.refused "$refused"
    # Nor can anybody look into its memory.
    shows "$SERVER" unknown
}
# Without a BPF LSM a thread keeps its CPU while it waits for the loader, for 20 ms: where
# the machine has no time, that is over before the loader was refused.
another_is_counted() {
    in_cgroup "$CGROUP" true
    (($(figure "$1") > $2))
}

@test "a process that runs already is named, and not held" {
    cgroup_make "$BATS_TEST_NUMBER"
    serve_start
    serve before
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$BATS_TEST_TMPDIR/note"
    grep -q '1 processes still read another time' "$BATS_TEST_TMPDIR/note"
    shows "$SERVER" unknown
    serve inside
    expect_doors "$SERVED" 'inside/raw-clock_gettime-.*' "${OFFSETS[@]}"
}
