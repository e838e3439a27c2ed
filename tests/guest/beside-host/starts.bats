# SPDX-License-Identifier: GPL-2.0-or-later
# No start is missed while a loader lives, on a machine that has no time for the
# guest: an idle CPU of it does not run when it is woken. Started by
# tests/vm/run --beside N. One stream is the worst case.
#
# TIMENSBPF_STORM_EXECS: how many in a case (320; 10,000 by hand, see starts.bash).

load ../helpers
load ../starts

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() { storm_prepare; }
teardown() { cgroups_remove; }

@test "beside busy loops on the host: one stream of starts" { starts 1 $((EXECS / 2)); }

@test "beside busy loops on the host: eight streams of starts" { starts 8 "$EXECS"; }
