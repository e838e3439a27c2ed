# SPDX-License-Identifier: GPL-2.0-or-later
# The storm of storm.bats where all of it has one CPU.
#
# TIMENSBPF_WHOLE_STORM: seconds, and after a comma a seed. Only by hand: see the skip.
#
# Kernels: one.
# bats file_tags=kernel:6-1,own-time

load helpers
load starts
load whole_storm

setup_file() { file_begin; }
teardown_file() { file_end; }
teardown() { whole_storm_end; }

@test "one CPU: a storm of starts, moves, steps and deaths of the loader, beside busy loops" {
    [[ ${TIMENSBPF_WHOLE_STORM-} ]] ||
        skip 'by hand: a process that is moved beside busy loops may read the host for more than 10 s'
    whole_storm
    whole_storm_was_good
}
