# SPDX-License-Identifier: GPL-2.0-or-later
# Loading, being replaced by another version, and leaving nothing behind.
#
# Kernels: the newest, pins are the same on all. One CPU: the emulator cannot
# bear frequent unloads with two (tests/run.sh).
# bats file_tags=kernel:latest,one-cpu

load helpers

# Of the programs, there and back, under load
REPLACEMENTS=${TIMENSBPF_REPLACEMENTS:-1}

setup_file() { file_begin_clean; }
teardown_file() { file_end_clean; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    host_remember
}

teardown() {
    cgroups_remove
    timensbpf unload --force
}

@test "a second load is a no-op" {
    timensbpf load
    bpftool prog show >"$BATS_TEST_TMPDIR/progs"
    bpftool link show >"$BATS_TEST_TMPDIR/links"
    run -0 timensbpf load
    [[ $output == *"already"* ]]
    diff "$BATS_TEST_TMPDIR/progs" <(bpftool prog show)
    diff "$BATS_TEST_TMPDIR/links" <(bpftool link show)
}

@test "pins have readable names, and bpftool opens them" {
    local pin
    timensbpf load
    for pin in lsm_settime lsm_capable kprobe_finalize_exec page_write; do
        [[ -e $PINS/progs/$pin ]] || fail "no program $pin in: $(ls "$PINS/progs")"
    done
    for pin in cgroup_slots clock_pages counters; do
        bpftool map show pinned "$PINS/maps/$pin"
    done
    for pin in "$PINS"/progs/*; do
        run -0 bpftool prog show pinned "$pin"
        # The kernel keeps 15 characters; bpftool takes the rest from BTF.
        [[ $output =~ name\ ([a-zA-Z0-9_]+) && ${pin##*/} == "${BASH_REMATCH[1]}"* ]] ||
            fail "${pin##*/} is called: $output"
    done
    for pin in "$PINS"/links/*; do
        bpftool link show pinned "$pin" >/dev/null
    done
    [[ -z $(ls -d "$PINS"-* 2>/dev/null) ]]
}

@test "unload leaves nothing, and rules end with it" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    timensbpf unload --force
    wait_until 20 nothing_is_loaded
    in_cgroup "$CGROUP" read_clocks-dynamic --quick --reference "$REFERENCE" \
        >"$BATS_TEST_TMPDIR/after"
    expect_doors "$BATS_TEST_TMPDIR/after" '.*' "${HOST[@]}"
    host_is_unchanged
    timensbpf unload
}

@test "programs outlive the command, rules outlive their maker" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    in_cgroup "$CGROUP" read_clocks-dynamic --quick --reference "$REFERENCE" \
        >"$BATS_TEST_TMPDIR/later"
    expect_doors "$BATS_TEST_TMPDIR/later" '.*' "${OFFSETS[@]}"
}

# attached HOW: every door is right with this way to attach; refused where the
# kernel has no such way.
attached() {
    run --separate-stderr timensbpf load --attach "$1"
    if ((status)); then
        # shellcheck disable=SC2154
        [[ $status == 1 && $stderr == "timensbpf: "*"$1"* ]] || return
        skip "this kernel has no $1: $stderr"
    fi
    [[ $(timensbpf show --json) =~ \"attach\":\ *\"$1\" ]]
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    in_cgroup "$CGROUP" read_clocks-static --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/64"
    in_cgroup "$CGROUP" read_clocks-static32 --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/32"
    expect_doors "$BATS_TEST_TMPDIR/64" \
        '(raw|int80|libc)-(clock_gettime|gettimeofday|adjtimex|clock_adjtime).*' "${OFFSETS[@]}"
    expect_doors "$BATS_TEST_TMPDIR/32" \
        '(raw|libc)-(clock_gettime|gettimeofday|adjtimex|clock_adjtime).*' "${OFFSETS[@]}"
    host_is_unchanged
}

@test "attached by fexit" { attached fexit; }
@test "attached by kprobe sessions" { attached session; }
@test "attached by kretprobes" { attached kretprobe; }

# operations_are_raised COMMAND…: every access of its to a map has real-time
# priority. One that is preempted has kprobes of its CPU skipped (loader/kernel/bpf_map.h).
operations_are_raised() {
    strace -f -qq -e trace=bpf,sched_setscheduler -o "$BATS_TEST_TMPDIR/trace" "$@"
    awk '/sched_setscheduler\(/ { raised[$1] = /SCHED_FIFO/ }
         /bpf\(BPF_MAP_(LOOKUP|UPDATE|DELETE)_ELEM/ {
             seen++
             if (!raised[$1]) { print; ordinary++ }
         }
         END { exit !seen || ordinary }' "$BATS_TEST_TMPDIR/trace"
}

@test "no map operation of ours can be preempted" {
    operations_are_raised timensbpf load
    operations_are_raised timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    operations_are_raised timensbpf-next load
    operations_are_raised timensbpf show
    operations_are_raised timensbpf unset --cgroup "$CGROUP"
}

@test "another version takes over under load: no read is missed or shifted twice" {
    local i hammer version
    type -P timensbpf-next
    version=$(timensbpf --version)
    [[ $(timensbpf-next --version) != "$version" ]]
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    mkdir "$CGROUP/own"
    timensbpf set --cgroup "$CGROUP/own" --realtime +1h
    hammer_prepare
    # Two threads leave a loading command a third of the guest's only CPU.
    "${IN[@]}" "$CGROUP" hammer --threads 2 --seconds 3600 "${HAMMER[@]}" \
        >"$BATS_TEST_TMPDIR/json" 3>&- &
    hammer=$!
    for ((i = 0; i < REPLACEMENTS; i++)); do
        timensbpf-next load
        [[ $(timensbpf-next show --json) =~ \"version\":\ *\"${version##* }\" ]] && return 1
        timensbpf load
    done
    kill -TERM "$hammer"
    wait "$hammer"
    cat "$BATS_TEST_TMPDIR/json"
    # What was skipped, if anything was.
    timensbpf show --json | tr -d '\n ' | grep -oE '"missed\.[^}]*"value":[1-9][0-9]*' || true
    [[ $(number right "$(<"$BATS_TEST_TMPDIR/json")") == $(number reads "$(<"$BATS_TEST_TMPDIR/json")") ]]
    [[ $(offsets_of "$CGROUP") == "${OFFSETS[*]}" ]]
    [[ $(offsets_of "$CGROUP/own") == "3600000000000 ${OFFSETS[1]} ${OFFSETS[2]}" ]]
    in_cgroup "$CGROUP" read_clocks-dynamic --quick --reference "$REFERENCE" \
        >"$BATS_TEST_TMPDIR/after"
    expect_doors "$BATS_TEST_TMPDIR/after" '.*' "${OFFSETS[@]}"
    [[ -z $(ls -d "$PINS"-* 2>/dev/null) ]]
    host_is_unchanged
}

@test "two loads at once" {
    timensbpf load >"$BATS_TEST_TMPDIR/one" 3>&- &
    timensbpf load >"$BATS_TEST_TMPDIR/two"
    wait "$!"
    [[ $(cat "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two" | grep -c already) == 1 ]]
    timensbpf unload
    wait_until 20 nothing_is_loaded
}
