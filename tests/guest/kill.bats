# SPDX-License-Identifier: GPL-2.0-or-later
# The command is killed (SIGKILL) at every step of what it does:
# TIMENSBPF_TEST_STOP_AT=N makes the library kill its own process at its N-th
# step (loader/base/test_hooks.h).
#
# Kernels: one, the command does the same with pins and files on all. One CPU:
# the emulator cannot bear frequent unloads with two (tests/run.sh).
# bats file_tags=kernel:6-1,one-cpu

load helpers

setup_file() { file_begin_clean; }
teardown_file() { file_end_clean; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    host_remember
}

teardown() {
    test_end
    timensbpf unload --force
}

# killed_at N COMMAND…: true if it was killed there, false if it had fewer steps
# and succeeded; anything else fails the test.
killed_at() {
    local status=0
    STEP=$1
    TIMENSBPF_TEST_STOP_AT=$1 "${@:2}" >/dev/null 2>&1 || status=$?
    case $status in
    137) return 0 ;;
    0) return 1 ;;
    esac
    echo "step $1: status $status of: ${*:2}" >"$BATS_TEST_TMPDIR/unexpected"
    return 1
}

# all_killed LEAST: the loop before saw the command complete, after enough steps
all_killed() {
    [[ ! -e $BATS_TEST_TMPDIR/unexpected ]] || fail "$(<"$BATS_TEST_TMPDIR/unexpected")" || return
    echo "$((STEP - 1)) steps"
    ((STEP > $1))
}

host_time_is_right() {
    read_clocks-static --quick --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/outside"
    expect_doors "$BATS_TEST_TMPDIR/outside" '.*' "${HOST[@]}"
}

# expect_rule R M B: what a process in $CGROUP reads
expect_rule() {
    in_cgroup "$CGROUP" read_clocks-static --quick --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/in"
    expect_doors "$BATS_TEST_TMPDIR/in" '.*' "$@"
}

@test "load" {
    local step
    for ((step = 1; step < 200; step++)); do
        killed_at "$step" timensbpf load || break
        host_time_is_right
        # Nothing half-way is in force, and what is left does not hinder.
        expect_rule "${HOST[@]}"
        timensbpf load
        timensbpf show >/dev/null
        timensbpf unload
        wait_until 20 nothing_is_loaded
    done
    all_killed 1
    host_is_unchanged
}

@test "unload" {
    local step
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    for ((step = 1; step < 200; step++)); do
        killed_at "$step" timensbpf unload || break
        host_time_is_right
        timensbpf set --cgroup "$CGROUP" --realtime +1h
        expect_rule 3600000000000 0 0
    done
    all_killed 1
    wait_until 20 nothing_is_loaded
    host_is_unchanged
}

@test "set: a rule is there as a whole or not at all" {
    local step state
    mkdir -p "$CGROUP/a" "$CGROUP/b/c"
    timensbpf load
    for ((step = 1; step < 200; step++)); do
        killed_at "$step" timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" || break
        host_time_is_right
        state=$(offsets_of "$CGROUP")
        case $state in
        '') expect_rule "${HOST[@]}" ;;
        "${OFFSETS[*]}") expect_rule "${OFFSETS[@]}" ;;
        *) fail "half a rule after step $step: $state" ;;
        esac
        in_cgroup "$CGROUP/b/c" read_clocks-static --quick --reference "$REFERENCE" \
            >"$BATS_TEST_TMPDIR/below"
        expect_doors "$BATS_TEST_TMPDIR/below" '.*' ${state:-0 0 0}
        # The next command works, and repairs what is to be repaired.
        timensbpf set --cgroup "$CGROUP" --realtime +1h
        expect_rule 3600000000000 $([[ $state ]] && echo "${OFFSETS[@]:1}" || echo 0 0)
        timensbpf unset --cgroup "$CGROUP" --force
        expect_rule "${HOST[@]}"
    done
    all_killed 1
    expect_rule "${OFFSETS[@]}"
    host_is_unchanged
}

@test "unset: a rule is there as a whole or not at all" {
    local step state
    mkdir -p "$CGROUP/b/c"
    for ((step = 1; step < 200; step++)); do
        timensbpf set --cgroup "$CGROUP" --realtime +1h
        killed_at "$step" timensbpf unset --cgroup "$CGROUP" || break
        host_time_is_right
        state=$(offsets_of "$CGROUP")
        case $state in
        '') expect_rule "${HOST[@]}" ;;
        "3600000000000 0 0") expect_rule 3600000000000 0 0 ;;
        *) fail "half a rule after step $step: $state" ;;
        esac
        in_cgroup "$CGROUP/b/c" read_clocks-static --quick --reference "$REFERENCE" \
            >"$BATS_TEST_TMPDIR/below"
        expect_doors "$BATS_TEST_TMPDIR/below" '.*' ${state:-0 0 0}
    done
    all_killed 1
    expect_rule "${HOST[@]}"
    host_is_unchanged
}

@test "run: the next run leaves no cgroup and no rule" {
    local step
    timensbpf load
    for ((step = 1; step < 200; step++)); do
        killed_at "$step" timensbpf run "${CLOCKS[@]}" --name "$OWN.$step" -- true || break
        host_time_is_right
        timensbpf run --realtime +1d --name "$OWN.next" -- true
        wait_until 10 no_run_cgroup
        [[ $(one_line timensbpf show --json) =~ \"rules\":\ *\[\] ]] ||
            fail "after step $step: $(timensbpf show)"
    done
    all_killed 2
    wait_until 10 no_run_cgroup
    host_is_unchanged
}

no_run_cgroup() { [[ -z $(ls -d "$CGROUPS"/timensbpf.* 2>/dev/null) ]]; }

@test "load of another version, while processes live in a rule" {
    local step
    type -P timensbpf-next
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    for ((step = 1; step < 200; step++)); do
        killed_at "$step" timensbpf-next load || break
        host_time_is_right
        expect_rule "${OFFSETS[@]}"
        # Whichever is in force, the rule is kept by the next load.
        timensbpf load
        expect_rule "${OFFSETS[@]}"
        [[ $(offsets_of "$CGROUP") == "${OFFSETS[*]}" ]]
    done
    all_killed 1
    expect_rule "${OFFSETS[@]}"
    timensbpf-next unload --force
    wait_until 20 nothing_is_loaded
    host_is_unchanged
}
