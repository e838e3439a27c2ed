# SPDX-License-Identifier: GPL-2.0-or-later
# Programs whose seccomp filter refuses clock calls, because they read clocks through
# the vDSO: they live, whatever becomes of their rule, and their time is right.
#
# TIMENSBPF_ROUNDS: how often a rule begins, changes and ends (2; 50 by hand).
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    cgroup_make "$BATS_TEST_NUMBER-other"
    OTHER=$CGROUP
    CGROUP=$CGROUPS/$OWN.$BATS_TEST_NUMBER
    timensbpf set --cgroup "$OTHER" --realtime +7000000
}
teardown() {
    test_end
    daemon_find
    ! process_is_gone "$DAEMON" || daemon_start
}

# reader_start NAME [COMMAND…]: a program that forbids itself clock calls; what it
# reads in hundreds of seconds is in $BATS_TEST_TMPDIR/NAME
declare -gA READER
reader_start() {
    local name=$1
    shift
    "$@" "sandboxed${BITS-}" "${VERDICT-kill}" ${NATIVE-} >"$BATS_TEST_TMPDIR/$name" 3>&- &
    READER[$name]=$!
    wait_until 10 test -s "$BATS_TEST_TMPDIR/$name"
}

# reads NAME HUNDREDS: it does now
reads() { [[ $(tail -n 1 "$BATS_TEST_TMPDIR/$1") == "$2" ]]; }
comes_to() {
    wait_until 10 reads "$1" "$2" ||
        fail "$1: $(tr '\n' ' ' <"$BATS_TEST_TMPDIR/$1"), wanted $2"
}
# It lives, and what it has read since its beginning is this.
has_read() {
    [[ $(process_state "${READER[$1]}") == [RS] ]] || fail "$1 is dead" || return
    [[ $(tr '\n' ' ' <"$BATS_TEST_TMPDIR/$1") == "$2 " ]] ||
        fail "$1: $(tr '\n' ' ' <"$BATS_TEST_TMPDIR/$1"), wanted $2"
}

move() { echo "${READER[$1]}" >"$2/cgroup.procs"; }

rule_begins_and_ends() {
    local round expected=0
    reader_start one
    move one "$CGROUP"
    for ((round = 0; round < ${TIMENSBPF_ROUNDS-2}; round++)); do
        timensbpf set --cgroup "$CGROUP" --realtime +1000000
        comes_to one 10000
        timensbpf set --cgroup "$CGROUP" --realtime +2000000
        comes_to one 20000
        timensbpf unset --cgroup "$CGROUP"
        comes_to one 0
        expected+=" 10000 20000 0"
    done
    has_read one "$expected"
}

@test "a rule begins, changes and ends, again and again" { rule_begins_and_ends; }

# bats test_tags=once
@test "the same for one whose filter returns an error" {
    VERDICT=errno
    rule_begins_and_ends
}

beside_loops() {
    local i loops=()
    for i in 1 2 3 4; do
        while :; do :; done 3>&- &
        loops+=($!)
    done
    "$@"
    kill "${loops[@]}"
}

# bats test_tags=once
@test "the same beside busy loops" { beside_loops rule_begins_and_ends; }

# bats test_tags=once
@test "the same without a loader" {
    daemon_stop
    rule_begins_and_ends
}

starts_in_a_rule() {
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start one "${IN[@]}" "$CGROUP"
    reader_start two "${IN[@]}" "$CGROUP" no_clock_calls
    timensbpf unset --cgroup "$CGROUP"
    comes_to one -10000
    comes_to two -10000
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    comes_to one 0
    has_read one "0 -10000 0"
    comes_to two 0
    has_read two "0 -10000 0"
}

@test "started in a rule, before and after the filter: fast, and it lives on" { starts_in_a_rule; }

moves() {
    local other
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start one
    reader_start two "${IN[@]}" "$CGROUP"
    move one "$CGROUP"
    comes_to one 10000
    move one "$OTHER"
    comes_to one 70000
    move one "$CGROUP"
    comes_to one 10000
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    other=$!
    wait_until 10 grep -qx "$other" "$CGROUP/cgroup.procs"
    echo "$other" >"$OTHER/cgroup.procs"
    wait_until 10 shows "$other" fast
    move one "$CGROUPS"
    comes_to one 0
    has_read one "0 10000 70000 10000 0"
    has_read two 0
}

@test "moves: its own, from rule to rule, in and out, and another process' moves" { moves; }

@test "32-bit: a rule begins, changes and ends" { BITS=32 rule_begins_and_ends; }
# bats test_tags=once
@test "32-bit: the same beside busy loops" { BITS=32 beside_loops rule_begins_and_ends; }
# bats test_tags=once
@test "32-bit: the same without a loader" {
    daemon_stop
    BITS=32 rule_begins_and_ends
}
@test "32-bit: started in a rule, before and after the filter" { BITS=32 starts_in_a_rule; }
@test "32-bit: moves" { BITS=32 moves; }

# Nothing is mapped into it: the code that does so is 64-bit code.
@test "32-bit, and calls of 64-bit code are refused: it lives, and what stays is listed" {
    export BITS=32 NATIVE=native
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start outside
    reader_start inside "${IN[@]}" "$CGROUP"
    move outside "$CGROUP"
    wait_until 20 shows "${READER[outside]}" visible
    shows "${READER[inside]}" fast
    move inside "$OTHER"
    wait_until 20 shows "${READER[inside]}" foreign
    timensbpf unset --cgroup "$OTHER"
    comes_to inside -10000
    has_read inside "0 -10000"
    has_read outside 0
}

@test "a move without a loader: it keeps the time of the rule that it left, and is listed" {
    local kept
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start one
    move one "$CGROUP"
    comes_to one 10000
    daemon_stop
    kept=$(figure rule_kept)
    move one "$OTHER"
    wait_until 10 shows "${READER[one]}" foreign
    [[ $(figure rule_kept) == $((kept + 1)) ]]
    has_read one "0 10000"
    daemon_start
    comes_to one 70000
    has_read one "0 10000 70000"
}

# bats test_tags=once
@test "the loader is killed, with its guard or alone" {
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start one "${IN[@]}" "$CGROUP"
    daemon_find
    kill -KILL "$DAEMON"
    wait_until 10 process_is_gone "$DAEMON"
    timensbpf set --cgroup "$CGROUP" --realtime +2000000
    comes_to one 10000
    daemon_start
    has_read one "0 10000"
}

@test "a start without a loader: nothing is hidden from one that would die of it, and it is counted" {
    local kept
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    daemon_stop
    kept=$(figure exec_kept)
    reader_start one "${IN[@]}" "$CGROUP" no_clock_calls
    (($(figure exec_kept) > kept))
    shows "${READER[one]}" visible
    has_read one 0
    daemon_start
    comes_to one 10000
    has_read one "0 10000"
}

# Another tracer keeps it from being changed.
@test "what cannot be changed never reads the time of a rule that comes later" {
    local tracer i
    timensbpf set --cgroup "$CGROUP" --realtime +1000000
    reader_start one "${IN[@]}" "$CGROUP"
    strace -o /dev/null -p "${READER[one]}" 3>&- 2>/dev/null &
    tracer=$!
    wait_until 10 is_traced "${READER[one]}"
    timensbpf unset --cgroup "$CGROUP"
    comes_to one -10000
    for i in 1 2 3; do
        cgroup_make "$BATS_TEST_NUMBER-later-$i"
        timensbpf set --cgroup "$CGROUP" --realtime "+$((9 + i))000000"
    done
    has_read one "0 -10000"
    kill "$tracer"
    wait_until 10 is_not_traced "${READER[one]}"
}
