# SPDX-License-Identifier: GPL-2.0-or-later
# A storm: programs start, processes read by all doors, are moved between rules and
# out, rules step, deadlines are waited for beside forks, and the loader is killed and
# stopped, all beside busy loops. No reading is wrong; no start is missed and no
# deadline lost while a loader lives.
#
# TIMENSBPF_WHOLE_STORM: seconds, and after a comma a seed. Only by hand: see the skip.
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers
load starts
load whole_storm

setup_file() { file_begin; }
teardown_file() { file_end; }
teardown() { whole_storm_end; }

@test "a storm of starts, moves, steps and deaths of the loader, beside busy loops" {
    [[ ${TIMENSBPF_WHOLE_STORM-} ]] ||
        skip 'by hand: it does not tell the calls of time(2) that no loader completed from wrong ones'
    whole_storm
    whole_storm_was_good
}
