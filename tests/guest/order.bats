# SPDX-License-Identifier: GPL-2.0-or-later
# Order between doors: no read is earlier than one that ended before it began.

load helpers

SECONDS_EACH=${TIMENSBPF_ORDER_SECONDS:-4}

setup_file() { file_begin; }
teardown_file() { file_end; }
setup() { cgroup_make "$BATS_TEST_NUMBER"; }
teardown() { cgroups_remove; }

# in_order THREADS: runs until the file "done" is there
in_order() {
    local json
    json=$(in_cgroup "$CGROUP" hammer --order --threads "$1" --seconds "$SECONDS_EACH") || return
    touch "$BATS_TEST_TMPDIR/done"
    echo "$json"
    [[ $(number backward "$json") == 0 && $(number failed "$json") == 0 ]] || return
    (($(number reads "$json") > 1000))
}

# Step the rule of $CGROUP forward, a millisecond and then more, until "done".
step_forward() {
    local steps=0 ns
    while [[ ! -e $BATS_TEST_TMPDIR/done ]]; do
        steps=$((steps + 1))
        ns=$((steps * 1000000))
        timensbpf set --cgroup "$CGROUP" --realtime "+${ns}ns" --monotonic "+${ns}ns" \
            --boottime "+${ns}ns" || return
    done
    echo "$steps" >"$BATS_TEST_TMPDIR/steps"
}

@test "8 threads, a rule that stands" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    in_order 8
}

@test "8 threads, while the rule steps forward" {
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s
    step_forward 3>&- &
    in_order 8
    wait "$!"
    (($(<"$BATS_TEST_TMPDIR/steps") > 3))
}

@test "32 threads, while the rule steps forward" {
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s
    step_forward 3>&- &
    in_order 32
    wait "$!"
    (($(<"$BATS_TEST_TMPDIR/steps") > 1))
}

@test "threads of a cgroup below, while the rule above steps forward" {
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s
    mkdir "$CGROUP/below"
    step_forward 3>&- &
    CGROUP=$CGROUP/below in_order 8
    wait "$!"
    (($(<"$BATS_TEST_TMPDIR/steps") > 3))
}
