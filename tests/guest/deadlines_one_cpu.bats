# SPDX-License-Identifier: GPL-2.0-or-later
# Deadlines and reads in memory that a program cannot write, where the loader has no CPU
# of its own: the call is made again.
#
# Kernels: the two ways to attach.
# bats file_tags=kernel:6-1,kernel:latest,own-time

load helpers

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { rule_make; }
teardown() { test_end; }

# made_again COMMAND…: in a rule, right in memory of every kind, and nothing was lost
made_again() {
    local again lost wrong
    again=$(figure deadline_again)
    lost=$(figure deadline_lost)
    "$@" deadline_memory "$BATS_TEST_TMPDIR/file" >"$BATS_TEST_TMPDIR/memory"
    wrong=$(grep -v '^ok' "$BATS_TEST_TMPDIR/memory" | grep -vx 'absent .*') || true
    [[ ! $wrong ]] || fail "$wrong"
    (($(grep -c '^ok' "$BATS_TEST_TMPDIR/memory") >= 8))
    (($(figure deadline_again) > again)) || fail "none was made again"
    [[ $(figure deadline_lost) == "$lost" ]]
}

@test "one CPU: memory that cannot be written, clocks ahead and back" {
    made_again in_cgroup "$CGROUP"
    timensbpf set --cgroup "$CGROUP" --realtime -1000s --monotonic -1s --boottime -1s
    made_again in_cgroup "$CGROUP"
}
