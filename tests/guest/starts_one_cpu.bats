# SPDX-License-Identifier: GPL-2.0-or-later
# No start is missed while a loader lives, where what starts has the CPU that the
# loader needs.
#
# TIMENSBPF_STORM_EXECS: how many in a case (320; 10,000 by hand, see starts.bash).
#
# Kernels: the two ways to attach.
# bats file_tags=kernel:6-1,kernel:latest,own-time

load helpers
load starts

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { storm_prepare; }
teardown() {
    busy_end
    cgroups_remove
}

@test "one CPU: one stream of starts" { starts 1 $((EXECS / 4)); }

@test "one CPU: eight streams of starts" { starts 8 $((EXECS / 2)); }

@test "one CPU: eight streams of starts beside four busy loops" {
    busy_begin 4
    starts 8 $((EXECS / 4))
}

# bats test_tags=once
@test "one CPU: eight streams in a cgroup with a fifth of it" { starts_in_a_share; }

@test "one CPU: it is taken from the loader for seconds" { starts_beside_real_time; }

@test "one CPU: the loader comes 100 ms late" { starts_delayed 100; }
