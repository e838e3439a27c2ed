# SPDX-License-Identifier: GPL-2.0-or-later
# time(2) and times(2) by raw system call, which the loader completes where no
# BPF program can change their value.
#
# Kernels: every version and both kinds of preemption; 6.1-ei answers time(2) by BPF.
# bats file_tags=kernel:6-1,kernel:6-12,kernel:latest,kernel:6-12-preempt,kernel:6-1-ei

load helpers
load calls

setup_file() { calls_begin_file; }
teardown_file() { file_end_served; }

setup() {
    rule_make
    daemon_find
    SAID=$BATS_TEST_TMPDIR/said
    LOST=$(lost)
}
teardown() { test_end; }

# calls_begin NAME THREADS CALLS: raw_calls or raw_calls32 in the rule
calls_begin() {
    "${IN[@]}" "$CGROUP" "$1" "$2" "$3" "$(calls_base)" >"$SAID.$1" 3>&- &
    CALLER=$!
}

calls() {
    calls_begin "$@"
    wait "$CALLER"
}

calls_end() {
    kill -TERM "$CALLER"
    wait "$CALLER"
}

said() { cat "$SAID.$1"; }

# calls_complete NAME CALLS: of three times so many all but one in twenty at most
calls_complete() { in_rounds complete_once "$@"; }
complete_once() {
    local json before
    before=$(lost)
    calls "$1" 1 "$2"
    json=$(said "$1")
    calls_were_counted "$json" "$before" || return
    (($(number wrong "$json") == 0 && $(number calls "$json") >= 3 * $2)) || return
    WRONG=0
    (($(number host "$json") * 20 <= $(number calls "$json")))
}

# A held thread that nobody lets go would wait until it is killed. How long the
# longest call took is the share of a CPU that each of 8 threads gets, as well.
none_was_held() { (($(number longest_us "$(said "$1")") < 20000000)); }

@test "one thread, 64-bit" {
    calls_complete raw_calls 200
}

@test "one thread, 32-bit" {
    calls_complete raw_calls32 200
}

# Threads that hold all CPUs in turns keep them from the loader.
@test "8 threads, 64-bit and 32-bit: completed, or counted" {
    calls raw_calls 8 50
    calls_were_counted "$(said raw_calls)" "$LOST"
    [[ $(number wrong "$(said raw_calls)") == 0 ]]
    calls raw_calls32 8 50
    calls_were_counted "$(said raw_calls32)" "$LOST"
    [[ $(number wrong "$(said raw_calls32)") == 0 ]]
}

@test "every kind of program, with and without a pointer, and by int 0x80" {
    local variant
    for variant in "${VARIANTS[@]}"; do
        read_at "$variant" in_cgroup "$CGROUP" "read_clocks-$variant" --reference "$REFERENCE"
        expect_doors "$BATS_FILE_TMPDIR/$variant" 'raw-time(-pointer)?' "${OFFSETS[@]}"
    done
    for variant in dynamic static musl; do
        expect_doors "$BATS_FILE_TMPDIR/$variant" 'int80-time(-pointer)?' "${OFFSETS[@]}"
    done
}

# bats test_tags=once
@test "beside busy loops" {
    local i busy=()
    for ((i = 0; i < 6; i++)); do
        sh -c 'while :; do :; done' 3>&- &
        busy+=("$!")
    done
    calls raw_calls 1 50
    kill "${busy[@]}"
    # A loader that gets no CPU for 20 ms comes too late.
    calls_were_counted "$(said raw_calls)" "$LOST"
}

# bats test_tags=once
@test "1000 threads at once" {
    calls raw_calls 1000 1
    calls_were_counted "$(said raw_calls)" "$LOST"
}

@test "a caller that another process traces gets the host's time, and is counted" {
    local traced
    [[ $(doctor_text time-syscall) == *"by the loader"* ]] || skip 'a BPF program answers time(2) here'
    traced=$(figure call.traced)
    in_cgroup "$CGROUP" strace -f -e trace=none -o /dev/null raw_calls 1 2 >"$SAID.traced"
    [[ $(number host "$(said traced)") == 4 ]]
    (($(figure call.traced) - traced >= 4 && $(lost) - LOST >= 4))
}

# bats test_tags=once
@test "signals and deaths in the middle of it" {
    local round
    for ((round = 0; round < 20; round++)); do
        calls_begin raw_calls 8 0
        wait_until 10 test -e "/proc/$CALLER/task"
        kill -STOP "$CALLER"
        kill -CONT "$CALLER"
        kill -KILL "$CALLER"
        wait "$CALLER" || true
    done
    calls raw_calls 1 10
    # The loader still has the events of the dead before these.
    calls_were_counted "$(said raw_calls)" "$LOST"
}

# bats test_tags=once
@test "the loader is killed again and again: none is held, what is the host's is counted" {
    local round
    calls_begin raw_calls 8 0
    for ((round = 0; round < 2; round++)); do
        sleep "0.$((RANDOM % 10))"
        kill -KILL "$DAEMON"
        wait_until 10 process_is_gone "$DAEMON"
        daemon_start
    done
    calls_end
    calls_were_counted "$(said raw_calls)" "$LOST"
    none_was_held raw_calls
}

# bats test_tags=once
@test "the loader is stopped again and again: none is held, what is the host's is counted" {
    local round
    calls_begin raw_calls 8 0
    for ((round = 0; round < 2; round++)); do
        sleep "0.$((RANDOM % 10))"
        kill -STOP "$DAEMON"
        sleep "0.$((RANDOM % 10))"
        # Stopped while it traced a thread, it was ended for that.
        kill -CONT "$DAEMON" 2>/dev/null || true
        wait_until 20 loader_serves
    done
    calls_end
    calls_were_counted "$(said raw_calls)" "$LOST"
    none_was_held raw_calls
}
loader_serves() {
    [[ -e /proc/$DAEMON && $(process_state "$DAEMON") != Z ]] || daemon_start
    timensbpf show --json | grep -q '"loader": true'
}

@test "doctor has no door that reads the host's clock, while a loader serves" {
    local key
    for key in reads reads-32 time-syscall time-syscall-32 times-syscall; do
        [[ $(doctor_health "$key") == ok ]] || fail "$key"
    done
}
