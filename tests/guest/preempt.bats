# SPDX-License-Identifier: GPL-2.0-or-later
# Where tasks are preempted inside the kernel: many threads of raw reads beside
# as many of absolute waits, for long. No read is the host's, no deadline stays
# it, no memory keeps it, and no program counts a miss.
#
# Kernels: both kinds of preemption.
# bats file_tags=kernel:latest,kernel:6-12-preempt

load helpers

SECONDS_EACH=${TIMENSBPF_PREEMPT_SECONDS:-60}
THREADS=32

setup_file() { file_begin; }
teardown_file() { file_end; }
# A file that is skipped as a whole would not report its tests.
setup() {
    [[ $(doctor_text preemption) =~ ^preemption:\ (full|lazy)\; ]] ||
        skip "tasks are not preempted inside this kernel ($(doctor_text preemption))"
    rule_make
}
teardown() { cgroups_remove; }

# What the programs counted that should not be: a line each.
losses() {
    timensbpf show --json | python3 -c '
import json, sys
bad = ("read_lost", "deadline_lost", "deadline_stuck", "deadline_changed", "deadline_forked")
for figure in json.load(sys.stdin)["figures"]:
    if figure["missed"] or figure["name"] in bad:
        print(figure["name"], figure["value"])'
}

expect_none() {
    local key json=$1
    shift
    for key; do
        [[ $(number "$key" "$json") == 0 ]] || fail "$key: $json"
    done
}

@test "32 threads of raw reads beside 32 of absolute waits" {
    local reads waits
    hammer_prepare
    losses >"$BATS_TEST_TMPDIR/losses"
    in_cgroup "$CGROUP" deadline_storm --threads "$THREADS" --no-fork \
        --seconds "$SECONDS_EACH" >"$BATS_TEST_TMPDIR/waits" 3>&- &
    reads=$(in_cgroup "$CGROUP" hammer --threads "$THREADS" --seconds "$SECONDS_EACH" \
        "${HAMMER[@]}")
    wait "$!"
    waits=$(<"$BATS_TEST_TMPDIR/waits")
    tell "$reads" "$waits"
    (($(number reads "$reads") > 1000 * SECONDS_EACH)) || fail "few reads: $reads"
    [[ $(number right "$reads") == $(number reads "$reads") ]]
    (($(number calls "$waits") > 10 * SECONDS_EACH)) || fail "few waits: $waits"
    expect_none "$waits" early lost changed failed
    diff "$BATS_TEST_TMPDIR/losses" <(losses)
}
