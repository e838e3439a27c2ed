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

# made_again COMMAND…: the same as every_memory, because calls were made again
made_again() {
    local again
    again=$(figure deadline_again)
    every_memory "$@"
    (($(figure deadline_again) > again)) || fail "none was made again"
}

@test "one CPU: memory that cannot be written, clocks ahead and back" {
    made_again in_cgroup "$CGROUP"
    timensbpf set --cgroup "$CGROUP" --realtime -1000s --monotonic -1s --boottime -1s
    made_again in_cgroup "$CGROUP"
}
