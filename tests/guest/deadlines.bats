# SPDX-License-Identifier: GPL-2.0-or-later
# Door B: every way to wait until a time, by the clock of the caller.
#
# Kernels: both ways to attach, fexit and session.
# bats file_tags=kernel:6-1,kernel:latest

load helpers

BITS=(deadlines deadlines32)
RULES=(forward backward)
NAMESPACE=(unshare -T --monotonic 7000 --boottime 9000 --fork)

# Offsets of less than uptime, so that the clocks do not stop at zero.
BACKWARD=(--realtime -1000.5s --monotonic -1.250000001s --boottime -1.500000003s)
BACKWARD_OFFSETS=-1000500000000,-1250000001,-1500000003

setup_file() {
    file_begin
    local bits joined
    joined="${OFFSETS[*]}"
    joined=${joined// /,}
    {
        for bits in "${BITS[@]}"; do
            read_at "outside-$bits" "$bits"
            below "forward-$bits" "${CLOCKS[@]}" -- "$bits" --writable --offset "$joined"
            below "backward-$bits" "${BACKWARD[@]}" -- "$bits" --writable --offset "$BACKWARD_OFFSETS"
            far_forward "$bits"
        done
        if [[ -e /proc/self/ns/time ]]; then
            read_at outside-namespace "${NAMESPACE[@]}" deadlines --writable
            below namespace "${CLOCKS[@]}" -- \
                "${NAMESPACE[@]}" deadlines --writable --offset "$joined"
        fi
    } 2>>"$BATS_FILE_TMPDIR/stderr"
}

teardown_file() { file_end; }

# below FILE CLOCKS… -- COMMAND…: the probe's lines
below() { read_at "$1" timensbpf run --name "$OWN" "${@:2}"; }

# The last days of 32-bit time, and years of uptime. One door is enough.
far_forward() {
    local seconds
    seconds=$(($(date -d '2037-12-24 00:00:00Z' +%s) - $(date +%s)))
    below "far-$1" --realtime "+$seconds.000000001" --monotonic +17280000.999999999 \
        --boottime +31536000.5 -- "$1" --writable --only clock_nanosleep \
        --offset "${seconds}000000001,17280000999999999,31536000500000000"
}

# Cases whose memory is special have tests of their own, as have doors that learn
# their clock elsewhere.
APART='-(readonly|untouched|forked)|io_uring_(link_)?update|io_uring_sqpoll'
# io_uring_enter takes negative times, and does now this and now that with them.
VAGUE='^io_uring_enter-.*-invalid-sec'

lines_of() { grep -E "^$1 (int80-)?($2)" "$3"; }

# judged FILE OUTSIDE DOORS [CASES]: lines of FILE for these doors and cases:
# none is bad that is right outside (io_uring of old kernels knows nothing of
# time namespaces), some are ok, and what does not exist, or is refused, is as
# outside.
judged() {
    local wrong
    wrong=$(awk -v doors="^(int80-)?($3).*${4-}" -v apart="${4-$APART}" -v cases="${4-}" \
        -v vague="$VAGUE" '
        { name = $2; sub(/:$/, "", name) }
        name !~ doors || name ~ vague { next }
        FNR == NR && $1 == "bad" { known[name] }
        FNR == NR { if ($1 == "errno" || $1 == "absent") outside[$0]; next }
        $1 == "errno" || $1 == "absent" {
            if (cases == "" && !($0 in outside)) print "not so outside: " $0
            delete outside[$0]
            next
        }
        cases == "" && name ~ apart { next }
        $1 == "ok" { good++ }
        $1 == "bad" && !(name in known)
        END {
            if (!good) print "no door matches " doors
            if (cases == "") for (line in outside) print "only outside: " line
        }' "$2" "$1")
    [[ ! $wrong ]] || fail "${1##*/}: $wrong"
}

# hold DOORS [CASES]: in every rule, 64 and 32 bit, and in a time namespace
hold() {
    local dir=$BATS_FILE_TMPDIR failed=0
    hold_in_rules "$@" || failed=1
    [[ ! -e $dir/namespace ]] || judged "$dir/namespace" "$dir/outside-namespace" "$@" || failed=1
    ((!failed))
}

hold_in_rules() {
    local bits rule dir=$BATS_FILE_TMPDIR failed=0
    for bits in "${BITS[@]}"; do
        for rule in "${RULES[@]}"; do
            judged "$dir/$rule-$bits" "$dir/outside-$bits" "$@" || failed=1
        done
    done
    ((!failed))
}

# exist DOORS: this kernel has them
exist() {
    lines_of ok "$1" "$BATS_FILE_TMPDIR/outside-deadlines" >/dev/null ||
        skip "this kernel has no ${2:-$1}"
}

# Known not to be reached: announced, truly so, and never uncounted. One door
# stands for all: they share the way in.
# gap CASE COMMAND…
gap() {
    local lost wrong
    [[ $(doctor_health waits-memory) == note ]]
    lost=$(figure deadline_lost)
    "${@:2}" deadlines --only '^(clock_nanosleep|mq_timed)' \
        >"$BATS_TEST_TMPDIR/lines" 2>/dev/null
    lost=$(($(figure deadline_lost) - lost))
    wrong=$(grep -c "^bad .*$1:" "$BATS_TEST_TMPDIR/lines") || true
    ((wrong > 0)) || fail "no gap any more: $1"
    ((lost >= wrong)) || fail "$wrong wrong, $lost counted"
}

inside() { timensbpf run --name "$OWN" "${CLOCKS[@]}" -- "$@"; }
behind() { timensbpf run --name "$OWN" "${BACKWARD[@]}" -- "$@"; }

# No program has brought a loader, or it has ended.
rule_make_unserved() {
    rule_make
    wait_until 10 no_daemon
}

@test "outside, every door is right" {
    local bits wrong
    for bits in "${BITS[@]}"; do
        wrong=$(grep '^bad' "$BATS_FILE_TMPDIR/outside-$bits") || true
        [[ ! $wrong ]] || fail "$bits: $wrong"
        (($(grep -c '^ok' "$BATS_FILE_TMPDIR/outside-$bits") > 500))
    done
}

@test "clock_nanosleep" { hold clock_nanosleep; }

@test "clock_nanosleep, clocks that are decades ahead" {
    local bits
    for bits in "${BITS[@]}"; do
        judged "$BATS_FILE_TMPDIR/far-$bits" "$BATS_FILE_TMPDIR/outside-$bits" clock_nanosleep
    done
}

@test "timer_settime, once and periodic" { hold timer_settime; }

@test "timerfd_settime, once, periodic, cancelled on set" { hold timerfd_settime; }

@test "futex FUTEX_WAIT_BITSET" { hold futex_wait_bitset; }

@test "PI futexes" { hold 'futex_(wait_requeue|lock)_pi'; }

@test "futex_waitv" { hold futex_waitv; }

@test "futex_wait" {
    exist futex2_wait
    hold futex2_wait
}

@test "mq_timedreceive and mq_timedsend" {
    exist mq_timed
    hold mq_timed
}

@test "io_uring: timeouts and linked timeouts" {
    exist io_uring_
    hold 'io_uring_(timeout|link_timeout)'
}

@test "io_uring: a kernel thread takes the requests" {
    exist io_uring_sqpoll
    hold io_uring_sqpoll '-(future|past|far|across)'
}

@test "io_uring: updates of a timeout, which keeps its clock" {
    exist io_uring_update
    # In a time namespace kernels that know of them take an update's time for
    # one of MONOTONIC, whatever the clock: early, or by chance not.
    hold_in_rules 'io_uring_(link_)?update' '-(future|past|far|across)'
}

@test "io_uring_enter with a deadline" {
    exist io_uring_enter
    hold io_uring_enter
}

@test "relative waits stay as they are" { hold relative_; }

@test "memory of all kinds, clocks ahead and back" {
    every_memory env
    every_memory inside
    every_memory behind
}

# every_door COMMAND…: the same of each way to wait
every_door() {
    local wrong
    "$@" --held --only '^(clock_nanosleep|timer_settime|timerfd_settime|futex_|mq_timed|io_uring_timeout).*-(REALTIME|MONOTONIC)$' \
        >"$BATS_TEST_TMPDIR/doors" 2>/dev/null
    wrong=$(grep '^bad' "$BATS_TEST_TMPDIR/doors") || true
    [[ ! $wrong ]] || fail "$* $wrong"
    (($(grep -c '^ok' "$BATS_TEST_TMPDIR/doors") >= 20))
}

@test "memory that a fork shares, or that was not touched yet: every way to wait" {
    every_door inside deadlines
    every_door behind deadlines32
}

# How often threads were held.
held() { echo $(($(figure memory_mended) + $(figure memory_late))); }

@test "a thread is held for memory, but not for an address that is none or read-only" {
    local held
    held=$(held)
    inside deadline_memory "$BATS_TEST_TMPDIR/file" forked
    (($(held) > held)) || fail "not held"
    held=$(held)
    inside deadline_memory "$BATS_TEST_TMPDIR/file" no-access read-only >"$BATS_TEST_TMPDIR/memory"
    grep -x 'bad no-access: returned -14' "$BATS_TEST_TMPDIR/memory"
    (($(held) == held)) || fail "held for $(($(held) - held))"
}

@test "a time in memory that is read-only is counted" {
    gap -readonly inside
    skip "known gap: $(doctor_text waits-memory)"
}

@test "without a loader, a time in memory that cannot be written is counted" {
    rule_make_unserved
    gap -readonly in_cgroup "$CGROUP"
    gap -untouched in_cgroup "$CGROUP"
    gap -forked in_cgroup "$CGROUP"
}

# lost_or_right KIND: never in silence
lost_or_right() {
    local lost
    lost=$(figure deadline_lost)
    inside deadline_memory "$BATS_TEST_TMPDIR/file" "$1" >"$BATS_TEST_TMPDIR/memory"
    cat "$BATS_TEST_TMPDIR/memory"
    grep -qx "\(ok\|absent\) $1" "$BATS_TEST_TMPDIR/memory" || (($(figure deadline_lost) > lost))
}

@test "memory whose page faults a program answers, or nobody: none of ours waits for it" {
    local status=0
    lost_or_right userfault
    # The kernel waits, too, until the process is killed.
    timeout 600 timensbpf run --name "$OWN" "${CLOCKS[@]}" -- timeout -s KILL 3 \
        deadline_memory "$BATS_TEST_TMPDIR/file" userfault-dead || status=$?
    ((status != 124))
    every_memory inside
}
