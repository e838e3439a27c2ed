# SPDX-License-Identifier: GPL-2.0-or-later
# Which cgroup lives in which time: nested ones, moves between them, changes.
#
# Kernels: one, the rules of cgroups are the same on all. One CPU: it does one
# thing after the other.
# bats file_tags=kernel:6-12,one-cpu

load helpers

HOUR=3600000000000

setup_file() { file_begin; }
teardown_file() { file_end; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    FILE=$BATS_TEST_TMPDIR/readings
}

teardown() { test_end; }

# expect_in PATH R M B: what a process that starts in this cgroup reads
expect_in() {
    local path=$1
    shift
    in_cgroup "$path" read_clocks-static --quick --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "$@"
}

@test "a cgroup below, made before the rule" {
    mkdir -p "$CGROUP/a/b"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    expect_in "$CGROUP/a" "${OFFSETS[@]}"
    expect_in "$CGROUP/a/b" "${OFFSETS[@]}"
}

@test "a cgroup below, made after the rule" {
    local took lost
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    took=$(figure cgroup_inherited) lost=$(figure cgroup_lost)
    mkdir -p "$CGROUP/a/b"
    expect_in "$CGROUP/a/b" "${OFFSETS[@]}"
    (($(figure cgroup_inherited) == took + 2 && $(figure cgroup_lost) == lost))
}

@test "below, a rule of its own is kept while the one above changes" {
    mkdir -p "$CGROUP/own/below"
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    timensbpf set --cgroup "$CGROUP/own" --realtime +2h
    mkdir "$CGROUP/own/later"
    timensbpf set --cgroup "$CGROUP" --realtime +5h
    expect_in "$CGROUP" $((5 * HOUR)) 0 0
    expect_in "$CGROUP/own" $((2 * HOUR)) 0 0
    expect_in "$CGROUP/own/below" $((2 * HOUR)) 0 0
    expect_in "$CGROUP/own/later" $((2 * HOUR)) 0 0
}

@test "a rule above, given later, does not touch the one below" {
    mkdir -p "$CGROUP/a/own/b" "$CGROUP/c"
    timensbpf set --cgroup "$CGROUP/a/own" --realtime +2h
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    expect_in "$CGROUP/a" "$HOUR" 0 0
    expect_in "$CGROUP/a/own/b" $((2 * HOUR)) 0 0
    expect_in "$CGROUP/c" "$HOUR" 0 0
}

@test "unset returns to the parent's time, then to the host's" {
    mkdir -p "$CGROUP/own/below"
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    timensbpf set --cgroup "$CGROUP/own" --realtime +2h
    timensbpf unset --cgroup "$CGROUP/own"
    expect_in "$CGROUP/own/below" "$HOUR" 0 0
    timensbpf unset --cgroup "$CGROUP"
    expect_in "$CGROUP/own/below" "${HOST[@]}"
    mkdir "$CGROUP/own/later"
    expect_in "$CGROUP/own/later" "${HOST[@]}"
    [[ -z $(offsets_of "$CGROUP") && -z $(offsets_of "$CGROUP/own") ]]
}

@test "clocks that are not given keep their value, inherited or own" {
    timensbpf set --cgroup "$CGROUP" --realtime +1h --monotonic +2h
    mkdir "$CGROUP/own"
    timensbpf set --cgroup "$CGROUP/own" --boottime +3h
    timensbpf set --cgroup "$CGROUP" --monotonic +4h
    expect_in "$CGROUP/own" "$HOUR" $((2 * HOUR)) $((3 * HOUR))
    expect_in "$CGROUP" "$HOUR" $((4 * HOUR)) 0
}

@test "a process that lives there follows when its rule begins, changes and ends" {
    serve_start "${IN[@]}" "$CGROUP"
    serve before
    timensbpf set --cgroup "$CGROUP" --realtime +1h --monotonic +2h --boottime +3h
    serve first
    timensbpf set --cgroup "$CGROUP" --realtime -1h --monotonic +3h --boottime +4h
    serve second
    timensbpf unset --cgroup "$CGROUP" --force
    serve after
    expect_doors "$SERVED" 'before/raw-.*' "${HOST[@]}"
    expect_doors "$SERVED" 'first/raw-.*' "$HOUR" $((2 * HOUR)) $((3 * HOUR))
    expect_doors "$SERVED" 'second/raw-.*' "-$HOUR" $((3 * HOUR)) $((4 * HOUR))
    expect_doors "$SERVED" 'after/raw-.*' "${HOST[@]}"
}

@test "a process that began outside follows by system calls, and is listed" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start
    serve outside
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve inside
    timensbpf show --json | python3 -c '
import json, sys
[rule] = json.load(sys.stdin)["rules"]
[process] = rule["processes"]
assert process["pid"] == int(sys.argv[1]) and process["vdso"] == "visible", process' "$SERVER"
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    serve again
    expect_doors "$SERVED" 'outside/.*' "${HOST[@]}"
    expect_doors "$SERVED" 'inside/raw-.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'again/.*' "${HOST[@]}"
}

@test "the C library of a process that was moved in: the host's time, until set sees to it" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start
    serve outside
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve moved
    run --separate-stderr timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    # shellcheck disable=SC2154
    [[ $status == 0 && ! $stderr ]]
    serve inside
    expect_doors "$SERVED" 'moved/libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday|time)' "${HOST[@]}"
    expect_doors "$SERVED" 'inside/libc-.*' "${OFFSETS[@]}"
}

@test "a process that began inside keeps every door right when it leaves and comes back" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    mkdir "$CGROUPS/$OWN.other"
    timensbpf set --cgroup "$CGROUPS/$OWN.other" --realtime +1h --monotonic +2h --boottime +3h
    serve_start "${IN[@]}" "$CGROUP"
    serve inside
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    serve outside
    echo "$SERVER" >"$CGROUPS/$OWN.other/cgroup.procs"
    serve other
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve back
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'outside/.*' "${HOST[@]}"
    expect_doors "$SERVED" 'other/.*' "$HOUR" $((2 * HOUR)) $((3 * HOUR))
    expect_doors "$SERVED" 'back/.*' "${OFFSETS[@]}"
}

@test "cgroups made and removed while rules begin and end: no entry is left" {
    local before
    before=$(fill_map "$PINS/maps/cgroup_slots" list)
    mkdir "$CGROUP/a"
    # shellcheck disable=SC2016
    bash -c 'for i in {1..15}; do mkdir "$0/$i" && rmdir "$0/$i"; done' "$CGROUP/a" 3>&- &
    while kill -0 "$!" 2>/dev/null; do
        timensbpf set --cgroup "$CGROUP" --realtime +1h
        timensbpf unset --cgroup "$CGROUP"
    done
    rmdir "$CGROUP/a" "$CGROUP"
    # Release is deferred by the kernel.
    wait_until 10 entries_are "$before"
}

entries_are() { [[ $(fill_map "$PINS/maps/cgroup_slots" list) == "$1" ]]; }

@test "every cgroup made while a rule begins above it has its time" {
    local now shown
    mkdir -p "$CGROUP"/{1..60}/x 3>&- &
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    wait "$!"
    # shellcheck disable=SC2016
    bash -c 'for dir; do echo $$ >"$dir/cgroup.procs"; host_clock now; done' \
        bash "$CGROUP"/*/x >"$FILE"
    [[ $(grep -c . "$FILE") == 60 ]]
    read -r now _ < <(host_clock now)
    # The earliest of them all.
    shown=$(sort -n "$FILE" | head -1)
    ((${shown%% *} - now > HOUR / 2)) || fail "shown $shown, the host has $now"
}

@test "a removed cgroup's rule is gone, and its slot is free again" {
    local first
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    first=$(timensbpf show --json | grep -o '"slot": *[0-9]*')
    rmdir "$CGROUP"
    [[ $(timensbpf show --json) == *'"rules": []'* || $(timensbpf show --json) == *'"rules":[]'* ]]
    mkdir "$CGROUP"
    timensbpf set --cgroup "$CGROUP" --realtime +2h
    expect_in "$CGROUP" $((2 * HOUR)) 0 0
    wait_until 10 slot_is_free "${first//[^0-9]/}"
}

slot_is_free() {
    timensbpf set --cgroup "$CGROUP" --realtime +3h
    ! fill_map "$PINS/maps/cgroup_slots" list | grep -q " $1\$"
}

@test "a rule whose tree cannot be looked at as a whole is refused, and changes nothing" {
    local path=$CGROUP n refused=0
    for n in {1..8}; do path+=/$n; done
    mkdir -p "$path"
    # From where nothing works to where all does.
    for n in {8..40..3}; do
        if (ulimit -n "$n" && exec timensbpf set --cgroup "$CGROUP" --realtime +1h) \
            >"$BATS_TEST_TMPDIR/said" 2>&1; then
            expect_in "$path" "$HOUR" 0 0
            if (ulimit -n "$((n - 1))" && exec timensbpf unset --cgroup "$CGROUP" --force) \
                >"$BATS_TEST_TMPDIR/said" 2>&1; then
                expect_in "$path" 0 0 0
                continue
            fi
            refused=$((refused + 1))
            timensbpf unset --cgroup "$CGROUP" --force || [[ -z $(offsets_of "$CGROUP") ]]
            expect_in "$path" 0 0 0
        else
            refused=$((refused + 1))
            expect_in "$path" 0 0 0
            [[ -z $(offsets_of "$CGROUP") ]]
        fi
    done
    ((refused > 2 && refused < 11))
}

@test "where files run out, a cgroup that inherited a rule keeps it" {
    local n refused=0
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    mkdir -p "$CGROUP/below/child"
    for n in {7..14}; do
        if (ulimit -n "$n" && exec timensbpf set --cgroup "$CGROUP/below" --realtime +2h) \
            >"$BATS_TEST_TMPDIR/said" 2>&1; then
            timensbpf unset --cgroup "$CGROUP/below" --force
        else
            refused=$((refused + 1))
        fi
        timensbpf show >"$BATS_TEST_TMPDIR/shown"
        expect_in "$CGROUP/below/child" "$HOUR" 0 0
    done
    expect_in "$CGROUP/below" "$HOUR" 0 0
    ((refused > 2))
}

@test "unload that cannot end the rules leaves all as it is" {
    local n
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    for n in {4..14}; do
        ! (ulimit -n "$n" && exec timensbpf unload) >"$BATS_TEST_TMPDIR/said" 2>&1 || break
        expect_in "$CGROUP" "$HOUR" 0 0
    done
    cat "$BATS_TEST_TMPDIR/said"
    ((n > 6))
    timensbpf load
}

@test "a process that may not open cgroups by number is told so" {
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    for command in show "unload --force"; do
        # shellcheck disable=SC2086
        expect_refusal 1 'cannot open the cgroup with the number' \
            setpriv --inh-caps=-dac_read_search --bounding-set=-dac_read_search timensbpf $command
    done
    expect_in "$CGROUP" "$HOUR" 0 0
    doctor_without_it | grep -q 'CAP_DAC_READ_SEARCH is missing'
}
doctor_without_it() {
    setpriv --inh-caps=-dac_read_search --bounding-set=-dac_read_search timensbpf doctor || true
}

@test "a command in a cgroup namespace of its own is refused" {
    expect_refusal 1 'cgroup namespace' \
        unshare --cgroup timensbpf set --cgroup "$CGROUP" --realtime +1h
    expect_refusal 1 'cgroup namespace' unshare --cgroup timensbpf show
    expect_in "$CGROUP" 0 0 0
}

@test "the programs go while a change waits for its turn: it fails" {
    local turn change status=0
    exec {turn}</sys/fs/bpf
    flock "$turn"
    timensbpf set --cgroup "$CGROUP" --realtime +1h 2>"$BATS_TEST_TMPDIR/said" {turn}<&- 3>&- &
    change=$!
    wait_until 10 waits_for_turn "$change"
    mv "$PINS" "$PINS-away"
    exec {turn}<&-
    wait "$change" || status=$?
    mv "$PINS-away" "$PINS"
    cat "$BATS_TEST_TMPDIR/said"
    [[ $status == 1 ]]
    grep -q 'unloaded meanwhile' "$BATS_TEST_TMPDIR/said"
    expect_in "$CGROUP" 0 0 0
}
# It has the directory open that is locked, and all that it needs besides.
waits_for_turn() {
    [[ $(readlink "/proc/$1/exe") == */timensbpf ]] && ls -l "/proc/$1/fd" | grep -q ' /sys/fs/bpf$'
}
