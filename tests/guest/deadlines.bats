# SPDX-License-Identifier: GPL-2.0-or-later
# Door B: every way to wait until a time, by the clock of the one who waits.

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
    LOST=$(figure deadline_lost)
    export LOST
    {
        for bits in "${BITS[@]}"; do
            read_at "outside-$bits" "$bits"
            below "forward-$bits" "${CLOCKS[@]}" -- "$bits" --offset "$joined"
            below "backward-$bits" "${BACKWARD[@]}" -- "$bits" --offset "$BACKWARD_OFFSETS"
            far_forward "$bits"
        done
        if [[ -e /proc/self/ns/time ]]; then
            read_at outside-namespace "${NAMESPACE[@]}" deadlines
            below namespace "${CLOCKS[@]}" -- \
                "${NAMESPACE[@]}" deadlines --offset "$joined"
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
        --boottime +31536000.5 -- "$1" --only clock_nanosleep \
        --offset "${seconds}000000001,17280000999999999,31536000500000000"
}

# Cases whose memory is special have tests of their own, as have a late start
# of a periodic timer, the end of 32-bit time, and doors that learn their clock
# elsewhere.
# The count of expirations from before the host's clock began is not kept
# (docs/surface.md).
APART='-(readonly|untouched|long-past-count|remaining-far)|io_uring_(link_)?update|io_uring_sqpoll'

lines_of() { grep -E "^$1 (int80-)?($2)" "$3"; }

# judged FILE OUTSIDE DOORS [CASES]: lines of FILE for these doors and cases:
# none is bad that is right outside, some are ok, and what does not exist, or is
# refused, is as outside.
judged() {
    local file=$1 outside=$2 doors="($3).*${4-}" kind wrong good
    # io_uring knows nothing of time namespaces.
    wrong=$(lines_of bad "$doors" "$file" |
        grep -vFf <(grep -oE '^bad [^:]*:' "$outside")) || true
    good=$(lines_of ok "$doors" "$file") || true
    [[ ${4-} ]] || {
        wrong=$(grep -Ev -e "$APART" <<<"$wrong") || true
        good=$(grep -Ev -e "$APART" <<<"$good") || true
        for kind in errno absent; do
            diff <(lines_of "$kind" "$doors" "$outside" | sort) \
                <(lines_of "$kind" "$doors" "$file" | sort) || wrong+=" $kind differs"
        done
    }
    [[ $good && ! $wrong ]] || fail "${file##*/}: ${wrong:-no door matches $doors}"
}

# hold DOORS [CASES]: in every rule, 64 and 32 bit
hold() {
    local bits rule dir=$BATS_FILE_TMPDIR failed=0
    for bits in "${BITS[@]}"; do
        for rule in "${RULES[@]}"; do
            judged "$dir/$rule-$bits" "$dir/outside-$bits" "$@" || failed=1
        done
    done
    [[ ! -e $dir/namespace ]] || judged "$dir/namespace" "$dir/outside-namespace" "$@" || failed=1
    ((!failed))
}

# exist DOORS: this kernel has them
exist() {
    lines_of ok "$1" "$BATS_FILE_TMPDIR/outside-deadlines" >/dev/null ||
        skip "this kernel has no ${2:-$1}"
}

# Known not to be reached: announced, truly so, and never uncounted.
gap() {
    local cases=$1 rule bits wrong=0
    [[ $(doctor_health waits-memory) == warn ]]
    for bits in "${BITS[@]}"; do
        for rule in "${RULES[@]}"; do
            ((wrong += $(lines_of bad ".*$cases" "$BATS_FILE_TMPDIR/$rule-$bits" | wc -l))) || true
        done
    done
    ((wrong > 0)) || fail "no gap any more: $cases"
    (($(figure deadline_lost) - LOST >= wrong)) || fail "$wrong wrong, fewer counted"
    skip "known gap: $(doctor_text waits-memory)"
}

@test "outside, every door is right" {
    local bits
    for bits in "${BITS[@]}"; do
        run ! grep '^bad' "$BATS_FILE_TMPDIR/outside-$bits"
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
    hold 'io_uring_(link_)?update' '-(future|past|far|across)'
}

@test "io_uring_enter with a deadline" {
    exist io_uring_enter
    hold io_uring_enter
}

@test "relative waits stay as they are" { hold relative_; }

@test "a time in memory that cannot be written is counted" { gap -readonly; }

@test "a time in a page that was not touched yet is counted" { gap -untouched; }
