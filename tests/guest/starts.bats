# SPDX-License-Identifier: GPL-2.0-or-later
# No start is missed while a loader lives, whatever else wants the CPUs.
#
# TIMENSBPF_STORM_EXECS: how many in a case (320; 10,000 by hand, see starts.bash).
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers
load starts

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { storm_prepare; }
teardown() {
    busy_end
    cgroups_remove
}

@test "one stream of starts" { starts 1 $((EXECS / 2)); }

@test "eight streams of starts" { starts 8 "$EXECS"; }

@test "eight streams of starts beside four busy loops a CPU" {
    busy_begin 4
    starts 8 $((EXECS / 2))
}

@test "one stream of starts beside four busy loops a CPU" {
    busy_begin 4
    starts 1 $((EXECS / 8))
}

# bats test_tags=once
@test "eight streams in a cgroup with a fifth of a CPU" { starts_in_a_share; }

@test "the loader comes 20 ms late" { starts_delayed 20; }

@test "all CPUs are taken from the loader for seconds" { starts_beside_real_time; }

# bats test_tags=once
@test "the loader comes 100 ms late" { starts_delayed 100; }

@test "the loader comes 200 ms late" { starts_delayed 200; }
