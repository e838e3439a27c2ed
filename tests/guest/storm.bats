# SPDX-License-Identifier: GPL-2.0-or-later
# A storm: programs start, processes read by all doors, are moved between rules and
# out, rules step, deadlines are waited for beside forks, and the loader is killed and
# stopped, all beside busy loops. No reading is wrong. While a loader lives no start is
# missed, unless the machine stood still for 50 ms, and no deadline lost but what
# `memory_late` and `memory_busy` count. time(2) and times(2) by system call return the
# rule's time or, counted, the host's.
#
# TIMENSBPF_WHOLE_STORM: seconds, and after a comma a seed: 600, say. Only by hand: see
# the skip.
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
        skip 'by hand: the machine that emulates may have nothing else to do meanwhile'
    whole_storm
    whole_storm_was_good
}
