# SPDX-License-Identifier: GPL-2.0-or-later
# Order between doors: no read is earlier than one that ended before it began.
#
# Kernels: the one that preempts tasks anywhere.
# bats file_tags=kernel:6-12-preempt

load helpers

SECONDS_EACH=${TIMENSBPF_ORDER_SECONDS:-4}
# Of a step forward, on a busy machine
STEP_SECONDS=60

setup_file() { file_begin; }
teardown_file() { file_end; }
setup() { cgroup_make "$BATS_TEST_NUMBER"; }
teardown() { cgroups_remove; }

# order_begin PATH THREADS SECONDS: there
order_begin() {
    "${IN[@]}" "$1" hammer --order --threads "$2" --seconds "$3" \
        >"$BATS_TEST_TMPDIR/json" 3>&- &
    HAMMER_PID=$!
    wait_until 20 cgroup_is_populated "$1"
    wait_until 20 pgrep -x hammer
}

in_order() {
    local json
    wait "$HAMMER_PID" || return
    json=$(<"$BATS_TEST_TMPDIR/json")
    echo "$json"
    [[ $(number backward "$json") == 0 && $(number failed "$json") == 0 ]] || return
    (($(number reads "$json") > 1000))
}

# in_order_by_steps PATH THREADS STEPS: while the rule of $CGROUP steps forward
# so often, a millisecond each time
in_order_by_steps() {
    local ns i
    timensbpf set --cgroup "$CGROUP" --realtime +0s --monotonic +0s --boottime +0s
    order_begin "$1" "$2" $(($3 * STEP_SECONDS))
    for ((i = 1; i <= $3; i++)); do
        ns=$((i * 1000000))
        timensbpf set --cgroup "$CGROUP" --realtime "+${ns}ns" --monotonic "+${ns}ns" \
            --boottime "+${ns}ns" || return
    done
    kill -TERM "$HAMMER_PID"
    in_order
}

@test "8 threads, a rule that stands" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    order_begin "$CGROUP" 8 "$SECONDS_EACH"
    in_order
}

@test "8 threads, while the rule steps forward" {
    in_order_by_steps "$CGROUP" 8 4
}

@test "32 threads, while the rule steps forward" {
    in_order_by_steps "$CGROUP" 32 2
}

@test "threads of a cgroup below, while the rule above steps forward" {
    mkdir "$CGROUP/below"
    in_order_by_steps "$CGROUP/below" 8 4
}
