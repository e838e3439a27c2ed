# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong input and wrong states: one clear line, the right status, no change.
#
# Kernels: one, wrong input is refused the same way on all. One CPU: the
# emulator cannot bear frequent unloads with two (tests/run.sh).
# bats file_tags=kernel:6-1-ei,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    remember
}

teardown() {
    cgroups_remove
    fill_map "$PINS/maps/cgroup_slots" empty >/dev/null 2>&1 || true
}

# usage PATTERN ARGUMENT…: wrong usage, status 2
usage() { expect_refusal 2 "$1" timensbpf "${@:2}"; }
# refused PATTERN ARGUMENT…: status 1
refused() { expect_refusal 1 "$1" timensbpf "${@:2}"; }
# run_refused PATTERN ARGUMENT…: a failure of run or enter itself
run_refused() { expect_refusal 125 "$1" timensbpf "${@:2}"; }

@test "no command, an unknown command, an unknown option" {
    run --separate-stderr timensbpf
    [[ $status == 2 && -z $output && $stderr == *"Usage: timensbpf COMMAND"* ]]
    usage 'command' --
    usage 'frobnicate' frobnicate
    usage '--frobnicate' run --frobnicate -- true
    usage '--frobnicate' show --frobnicate
    usage 'command' run --realtime +1d
    usage '--cgroup' enter -- true
    usage '--cgroup.*--pid' set --realtime +1d
    usage '--cgroup.*--pid' set --cgroup "$CGROUP" --pid 1 --realtime +1d
    usage 'realtime' set --cgroup "$CGROUP"
    usage 'attach' load --attach sideways
    usage 'pid' set --pid one --realtime +1d
    usage 'frobnicate' help frobnicate
    usage 'unexpected.*set' help run set
    usage '--watch.*0' show --watch 0
    usage '--watch.*often' show --watch often
    usage '--watch.*86401' show --watch=86401
    usage 'bash or zsh' completion fish
    is_unchanged
}

@test "an unknown clock" {
    usage '--tai' run --tai +1d -- true
    usage '--clock' set --cgroup "$CGROUP" --clock realtime
    is_unchanged
}

@test "a time that cannot be parsed" {
    local text
    for text in tomorrow '' + +3parsecs +1d1d '+1h 30m' 2038-13-01 2038-02-30 '2038-01-19 25:00:00' \
        @ @x '+1.0000000001s' 12:00; do
        usage "--realtime:.*'${text//+/[+]}'" run --realtime "$text" -- true
    done
    usage "--monotonic:.*'2038-01-19'" run --monotonic 2038-01-19 -- true
    usage "--boottime:.*'1h'" set --cgroup "$CGROUP" --boottime 1h
    is_unchanged
}

@test "a time that overflows or leaves the clock's range" {
    usage '--realtime:' run --realtime +99999999999999999999s -- true
    usage '--realtime:' run --realtime @99999999999999999999 -- true
    usage '--realtime:' set --cgroup "$CGROUP" --realtime +500y
    refused 'realtime.*1970.*2262' set --cgroup "$CGROUP" --realtime +250y
    refused 'realtime.*1970.*2262' set --cgroup "$CGROUP" --realtime @0
    refused 'realtime.*1970.*2262' set --cgroup "$CGROUP" --realtime -100y
    refused 'monotonic' set --cgroup "$CGROUP" --monotonic -1y --force
    refused 'boottime' set --cgroup "$CGROUP" --boottime -1y --force
    run_refused 'realtime.*1970.*2262' run --realtime +250y -- true
    is_unchanged
}

@test "the edges of the range are inside it" {
    timensbpf set --cgroup "$CGROUP" --realtime @1
    timensbpf set --cgroup "$CGROUP" --realtime '2262-04-11 00:00:00Z'
    in_cgroup "$CGROUP" date -u +%F >"$BATS_TEST_TMPDIR/date"
    [[ $(<"$BATS_TEST_TMPDIR/date") == 2262-04-11 ]]
}

@test "a path that is not a cgroup v2 directory" {
    local path
    for path in /tmp /no/such/path /etc/passwd "$CGROUP/cgroup.procs" ''; do
        refused "'$path' is not a cgroup v2 directory" set --cgroup "$path" --realtime +1h
        refused "'$path' is not a cgroup v2 directory" unset --cgroup "$path"
        run_refused "'$path' is not a cgroup v2 directory" enter --cgroup "$path" -- true
    done
    is_unchanged
}

@test "the root cgroup" {
    refused 'root cgroup' set --cgroup "$CGROUPS" --realtime +1h
    refused 'root cgroup' set --cgroup "$CGROUPS/." --realtime +1h
    refused 'root cgroup' set --pid 1 --realtime +1h
    refused 'root cgroup' unset --cgroup "$CGROUPS"
    is_unchanged
}

@test "a process that is not there" {
    refused '4194303' set --pid 4194303 --realtime +1h
    is_unchanged
}

@test "a cgroup without a rule of its own" {
    mkdir "$CGROUP/below"
    remember
    refused "no time of its own" unset --cgroup "$CGROUP/below"
    is_unchanged
}

@test "a name in use, a name that is none" {
    mkdir "$CGROUPS/timensbpf.$OWN"
    "${IN[@]}" "$CGROUPS/timensbpf.$OWN" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUPS/timensbpf.$OWN"
    remember
    run_refused "timensbpf.$OWN.*in use.*--name" run --realtime +1d --name "$OWN" -- true
    run_refused "'a/b' is no name" run --realtime +1d --name a/b -- true
    run_refused 'no name' run --realtime +1d --name '' -- true
    is_unchanged
}

@test "a cgroup that was removed meanwhile" {
    local fd
    mkdir "$CGROUP/gone"
    exec {fd}<"$CGROUP/gone"
    rmdir "$CGROUP/gone"
    # The open directory still leads to what is no longer there.
    refused 'removed meanwhile|not a cgroup v2' set --cgroup "/proc/$$/fd/$fd" --realtime +1h
    refused 'no time of its own|removed meanwhile|not a cgroup v2' unset --cgroup "/proc/$$/fd/$fd"
    run_refused 'cannot move|removed meanwhile|not a cgroup v2' enter --cgroup "/proc/$$/fd/$fd" -- true
    exec {fd}<&-
    is_unchanged
}

@test "without privileges" {
    local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    expect_refusal 1 'privileges|root' "${nobody[@]}" timensbpf load
    expect_refusal 1 'privileges|root' \
        "${nobody[@]}" timensbpf set --cgroup "$CGROUP" --realtime +2h
    expect_refusal 1 'privileges|root' "${nobody[@]}" timensbpf unset --cgroup "$CGROUP"
    expect_refusal 1 'privileges|root' "${nobody[@]}" timensbpf unload
    expect_refusal 1 'privileges|root' "${nobody[@]}" timensbpf show
    expect_refusal 125 'privileges|root' \
        "${nobody[@]}" timensbpf run --realtime +1d -- true
    # It tells all the same, and fails because `load` would.
    run -1 "${nobody[@]}" timensbpf doctor
    [[ $output == *privileges* ]]
    is_unchanged
}

@test "root of a user namespace cannot load" {
    timensbpf unload
    expect_refusal 1 'privileges|root|user namespace' \
        unshare --user --map-root-user timensbpf load
    timensbpf load
}

@test "a full map" {
    local cgroup=$CGROUP/more
    mkdir "$cgroup"
    timensbpf unset --cgroup "$CGROUP"
    fill_map "$PINS/maps/cgroup_slots" fill
    expect_refusal 1 'full|no free|many' timensbpf set --cgroup "$cgroup" --realtime +1h
    expect_refusal 125 'full|no free|many' timensbpf run --realtime +1h --name "$OWN" -- true
    [[ ! -e $CGROUPS/timensbpf.$OWN ]]
    fill_map "$PINS/maps/cgroup_slots" empty
    [[ -z $(offsets_of "$cgroup") ]]
    timensbpf set --cgroup "$cgroup" --realtime +1h
    [[ $(offsets_of "$cgroup") == "3600000000000 0 0" ]]
}

@test "a cgroup that cannot inherit because the map is full is counted" {
    local before
    before=$(figure cgroup_lost)
    fill_map "$PINS/maps/cgroup_slots" fill
    mkdir "$CGROUP/lost"
    (($(figure cgroup_lost) > before))
}

@test "nothing is loaded" {
    timensbpf unload
    run -0 --separate-stderr timensbpf show
    [[ $output == "nothing is loaded"* && -z $stderr && ${#lines[@]} == 1 ]]
    run -0 --separate-stderr timensbpf show --json
    [[ $output =~ \"loaded\":\ false && $output =~ \"rules\":\ \[\] && -z $stderr ]]
    expect_refusal 1 'not loaded|timensbpf load' timensbpf unset --cgroup "$CGROUP"
    timensbpf unload
    timensbpf load
}

@test "a half-present pin directory" {
    timensbpf unload
    mkdir -p "$PINS/maps"
    remember
    expect_refusal 1 'timensbpf unload' timensbpf load
    expect_refusal 1 'timensbpf unload' timensbpf show
    expect_refusal 1 'timensbpf unload' timensbpf set --cgroup "$CGROUP" --realtime +1h
    expect_refusal 125 'timensbpf unload' timensbpf run --realtime +1h -- true
    is_unchanged
    timensbpf unload
    [[ ! -e $PINS ]]
    timensbpf load
}

@test "a pin is missing" {
    rm "$PINS/maps/cgroup_slots"
    expect_refusal 1 'timensbpf unload' timensbpf show
    expect_refusal 1 'timensbpf unload' timensbpf set --cgroup "$CGROUP" --realtime +1h
    timensbpf unload
    wait_until 10 nothing_is_loaded
    timensbpf load
}

@test "an attachment that this kernel does not have" {
    timensbpf unload
    case $(uname -r) in
    6.1.*) expect_refusal 1 'session' timensbpf load --attach session ;;
    *) timensbpf load --attach session ;;
    esac
    timensbpf unload
    timensbpf load
}
