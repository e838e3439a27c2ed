# SPDX-License-Identifier: GPL-2.0-or-later
# The command line, where it succeeds.
#
# Kernels: one, the command does the same with pins and files on all. One CPU:
# it does one thing after the other.
# bats file_tags=kernel:6-12,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }
teardown() {
    [[ ! -e $ASIDE ]] || mv "$ASIDE" "$DAEMON_FILE"
    cgroups_remove
}
DAEMON_FILE=$(type -P timensbpfd)
ASIDE=$DAEMON_FILE.aside

# status_of WANTED COMMAND…
status_of() {
    run "-$1" --separate-stderr timensbpf run --realtime +3d --name "$OWN" -- "${@:2}"
}

@test "run returns the command's status" {
    status_of 0 true
    status_of 1 false
    status_of 7 bash -c 'exit 7'
    status_of 137 bash -c 'kill -KILL $$'
    status_of 143 bash -c 'kill -TERM $$'
}

@test "run tells that a command is not there or cannot be executed" {
    status_of 127 /no/such/command
    status_of 126 /etc/passwd
    [[ $stderr == *"/etc/passwd"* ]]
}

@test "run passes standard input, output, arguments and environment through" {
    NAME=value run --separate-stderr timensbpf run --realtime +1d --name "$OWN" -- \
        bash -c 'read -r line; echo "$line $NAME $1"; echo err >&2' bash 'two words' <<<"input"
    [[ $status == 0 && $output == "input value two words" && $stderr == *err* ]]
}

@test "run ends what the command left behind, and removes its cgroup" {
    # shellcheck disable=SC2016
    timensbpf run --realtime +1d --name "$OWN" -- \
        bash -c 'mkdir "/sys/fs/cgroup/timensbpf.$0/sub"; setsid sleep 1000 & echo $! >"$1"' \
        "$OWN" "$BATS_TEST_TMPDIR/pid"
    [[ ! -e $CGROUPS/timensbpf.$OWN ]]
    [[ ! -e /proc/$(<"$BATS_TEST_TMPDIR/pid") ]]
    [[ -z $(offsets_of "$CGROUPS/timensbpf.$OWN") ]]
}

@test "run forwards SIGTERM" {
    timensbpf run --realtime +1d --name "$OWN" -- sleep 1000 3>&- 2>/dev/null &
    wait_until 20 cgroup_is_populated "$CGROUPS/timensbpf.$OWN"
    kill -TERM "$!"
    status=0
    wait "$!" || status=$?
    [[ $status == 143 && ! -e $CGROUPS/timensbpf.$OWN ]]
}

@test "run in a cgroup of a limited parent stays below it" {
    cgroup_make parent
    # shellcheck disable=SC2016
    run --separate-stderr in_cgroup "$CGROUP" \
        timensbpf run --realtime +1d --name x -- cat /proc/self/cgroup
    [[ $status == 0 && $output == "0::/$OWN.parent/timensbpf.x" ]]
}

@test "run inside a virtual cgroup nests" {
    read_at nested timensbpf run --realtime +1d --monotonic +1d --name "$OWN" -- \
        timensbpf run --realtime +3d --name inner -- \
        read_clocks-static --quick --reference "$REFERENCE"
    expect_doors "$BATS_FILE_TMPDIR/nested" '.*' 259200000000000 86400000000000 0
}

@test "run loads the programs when they are absent" {
    timensbpf unload
    status_of 0 true
    [[ -e $PINS/maps ]]
}

@test "two runs at once" {
    timensbpf run --realtime +1d --name "$OWN.1" -- \
        read_clocks-static --quick --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/1" 2>/dev/null 3>&- &
    timensbpf run --realtime +2d --name "$OWN.2" -- \
        read_clocks-static --quick --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/2" 2>/dev/null
    wait "$!"
    expect_doors "$BATS_TEST_TMPDIR/1" '.*' 86400000000000 0 0
    expect_doors "$BATS_TEST_TMPDIR/2" '.*' 172800000000000 0 0
}

# ---- The loader that run starts where there is no daemon -------------------

loader_is_gone() { ! pgrep -x timensbpfd && ! pgrep -x timensbpf-guard; }
loader_runs() { pgrep -x timensbpfd; }

@test "run without a daemon: fast, and its loader ends with it" {
    timensbpf run "${CLOCKS[@]}" --name "$OWN" -- no_clock_calls read_clocks-static \
        --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/out"
    loader_is_gone
    fast_doors "$BATS_TEST_TMPDIR/out" ''
}

@test "run beside a daemon starts no other" {
    daemon_start
    status_of 0 pgrep -c -x timensbpfd
    daemon_stop
    [[ $output == 1 ]]
}

@test "run without timensbpfd: one note, and the command runs" {
    mv "$DAEMON_FILE" "$ASIDE"
    status_of 7 bash -c 'exit 7'
    [[ $(grep -c 'system calls' <<<"$stderr") == 1 ]]
    grep -x "timensbpf: note: clocks are read by system calls: cannot start .*/timensbpfd: No such file or directory" <<<"$stderr"
    # Or one that does not get as far as that.
    printf '#!/bin/sh\nexit 127\n' >"$DAEMON_FILE"
    chmod +x "$DAEMON_FILE"
    status_of 7 bash -c 'exit 7'
    grep -x "timensbpf: note: clocks are read by system calls: timensbpfd ended with status 127" <<<"$stderr"
}

@test "run is killed: its loader ends, what it started goes on" {
    local command
    timensbpf run --realtime +3d --name "$OWN" -- sleep 1000 3>&- 2>/dev/null &
    wait_until 30 cgroup_is_populated "$CGROUPS/timensbpf.$OWN"
    loader_runs
    command=$(<"$CGROUPS/timensbpf.$OWN/cgroup.procs")
    kill -KILL "$!"
    wait_until 10 loader_is_gone
    [[ $(process_state "$command") == S ]]
}

@test "run's loader has nothing of the caller's open, and no signals of the terminal" {
    local file=$BATS_TEST_TMPDIR/file
    # shellcheck disable=SC2016
    timensbpf run --realtime +3d --name "$OWN" -- bash -c '
        pid=$(pgrep -x timensbpfd)
        readlink "/proc/$pid/fd/"*
        echo "session $(ps -o sid= -p "$pid" | tr -d " ") of $pid"' \
        9>"$file" </etc/passwd >"$BATS_TEST_TMPDIR/out"
    cat "$BATS_TEST_TMPDIR/out"
    run ! grep -e "$BATS_TEST_TMPDIR/" -e passwd "$BATS_TEST_TMPDIR/out"
    grep -x /dev/null "$BATS_TEST_TMPDIR/out"
    grep -xE 'session ([0-9]+) of \1' "$BATS_TEST_TMPDIR/out"
}

# run_like HOW: by a caller that has closed these. On a busy machine not every
# start is fast.
run_like() {
    local before status=0
    before=$(figure start_fast)
    # shellcheck disable=SC2016
    bash -c 'exec timensbpf run --realtime +3d --name "$0" -- "$1" '"$1" "$OWN" "$COMMAND" ||
        status=$?
    [[ $status == 7 ]] || fail "$1: $status" || return
    (($(figure start_fast) > before)) ||
        fail "$1: none fast" "$(timensbpf show --json | grep -A 2 '"start_')" || return
    loader_is_gone
}

@test "run by a caller without standard input, output or errors" {
    local how
    COMMAND=$BATS_TEST_TMPDIR/command
    printf '%s\n' '#!/bin/bash' 'for _ in {1..16}; do /bin/true; done' 'exit 7' >"$COMMAND"
    chmod +x "$COMMAND"
    for how in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        run_like "$how"
    done
}

@test "run by a caller that ignores SIGCHLD" {
    run -7 env --ignore-signal=CHLD \
        timensbpf run --realtime +3d --name "$OWN" -- bash -c 'exit 7'
    loader_is_gone
}

@test "enter runs in an existing cgroup and becomes the command" {
    cgroup_make entered
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    timensbpf enter --cgroup "$CGROUP" -- read_clocks-dynamic --quick \
        --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/out"
    expect_doors "$BATS_TEST_TMPDIR/out" '.*' "${OFFSETS[@]}"
    run timensbpf enter --cgroup "$CGROUP" -- bash -c 'exit 9'
    [[ $status == 9 ]]
}

@test "set and unset by process id" {
    cgroup_make by-pid
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUP"
    timensbpf set --pid "$!" --realtime +1h 2>/dev/null
    [[ $(offsets_of "$CGROUP") == "3600000000000 0 0" ]]
    timensbpf unset --pid "$!"
    [[ -z $(offsets_of "$CGROUP") ]]
}

@test "a step back of MONOTONIC or BOOTTIME needs --force where processes live" {
    cgroup_make steps
    timensbpf set --cgroup "$CGROUP" --monotonic +2h --boottime +2h
    timensbpf set --cgroup "$CGROUP" --monotonic +1h --boottime +1h
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUP"
    remember
    expect_refusal 1 'monotonic.*--force' \
        timensbpf set --cgroup "$CGROUP" --monotonic +30m
    expect_refusal 1 'boottime.*--force' \
        timensbpf set --cgroup "$CGROUP" --realtime +9h --boottime +30m
    expect_refusal 1 '--force' timensbpf unset --cgroup "$CGROUP"
    expect_refusal 1 '--force' timensbpf unload
    is_unchanged
    timensbpf set --cgroup "$CGROUP" --realtime -9h
    timensbpf set --cgroup "$CGROUP" --monotonic +30m --boottime +30m --force
    [[ $(offsets_of "$CGROUP") == "-32400000000000 1800000000000 1800000000000" ]]
}

@test "show tells cgroup, offsets, date, processes and version" {
    cgroup_make shown
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUP"
    wait_until 10 grep -qz ^sleep "/proc/$!/cmdline"
    timensbpf show --json >"$BATS_TEST_TMPDIR/json"
    python3 - "$BATS_TEST_TMPDIR/json" "$CGROUP" "$!" "$(timensbpf --version)" <<'PYTHON'
import datetime, json, os, sys
shown = json.load(open(sys.argv[1]))
[rule] = shown["rules"]
assert rule["cgroup"] == sys.argv[2], rule
assert rule["id"] == os.stat(sys.argv[2]).st_ino, rule
assert rule["offset_ns"] == {"realtime": 259200123456000, "monotonic": 172800123456789,
                             "boottime": 108000987654321}, rule
date = datetime.datetime.fromisoformat(rule["date"][:26] + "+00:00")
distance = date - datetime.datetime.now(datetime.timezone.utc)
assert abs(distance.total_seconds() - 259200) < 60, rule
assert rule["processes"] == [{"pid": int(sys.argv[3]), "name": "sleep", "vdso": "hidden",
                              "why": rule["processes"][0]["why"]}], rule
assert rule["processes"][0]["why"], rule
assert shown["schema"] == 1 and shown["loaded"] is True
assert rule["name"] == rule["cgroup"].removeprefix("/sys/fs/cgroup")
assert shown["loader"] is False
assert shown["version"] in sys.argv[4] and shown["attach"] in ("fexit", "session", "kretprobe")
names = [figure["name"] for figure in shown["figures"]]
for name in ("read_lost", "set_denied", "exec_begun", "exec_hidden", "exec_failed",
             "cgroup_inherited", "cgroup_lost"):
    assert name in names, names
PYTHON
    run -0 timensbpf show
    [[ $output == *"/${CGROUP##*/} "* && $output != *"sleep"* ]]
    run -0 timensbpf show --processes
    [[ $output == *"sleep"* ]]
}

@test "show is a table: cgroup, date, offsets, processes, fast" {
    local day
    cgroup_make table
    timensbpf set --cgroup "$CGROUP" --realtime +3d --monotonic +90s --boottime +1d6h0.25s
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUP"
    day=$(date -u -d '+3 days' +%F)
    run -0 timensbpf show
    [[ ${lines[0]} == "version "* ]]
    [[ ${lines[1]} =~ ^CGROUP\ +DATE\ NOW\ +REALTIME\ +MONOTONIC\ +BOOTTIME\ +PROCESSES\ +FAST$ ]]
    [[ ${lines[2]} =~ ^/$OWN.table\ +$day.........Z\ +[+]3d\ +[+]90s\ +[+]1d6h0.25s\ +1\ +0$ ]]
    ((${#lines[@]} == 3)) || [[ ${lines[3]} == "missed "* ]]
    ((${#lines[2]} <= 100))
}

@test "show groups processes by reason, with counts" {
    cgroup_make groups
    timensbpf set --cgroup "$CGROUP" --realtime +3d
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 all_sleep
    run -0 timensbpf show -p
    [[ $output == *$'\n'"/$OWN.groups"$'\n'"  2 slow: the loader did not run"* ]]
    shown_as "$!" | grep '^  2 slow: '
}
all_sleep() { [[ $(timensbpf show --json | grep -c '"name": "sleep"') == 2 ]]; }

@test "show prints figures only if asked" {
    cgroup_make figures
    timensbpf set --cgroup "$CGROUP" --realtime +3d
    in_cgroup "$CGROUP" true
    timensbpf show --figures | grep -E '^exec_begun +[1-9]'
    run -0 timensbpf show
    [[ $output != *exec_begun* ]]
}

@test "show --watch goes on until it is interrupted" {
    run timeout 8 timensbpf show --watch 1 --json
    [[ $status == 124 && $(grep -c '"schema": 1' <<<"$output") -ge 2 ]]
    run timeout 8 timensbpf show --watch
    [[ $status == 124 && $(grep -c '^version' <<<"$output") -ge 2 ]]
}

@test "on a terminal, a long name is shortened in the middle, elsewhere never" {
    local name
    name=$(printf '%0100d' 0)
    cgroup_make "$name"
    timensbpf set --cgroup "$CGROUP" --realtime +3d
    timensbpf show | grep -q "^/$OWN.$name "
    run -0 on_terminal 100 timensbpf show
    [[ $output =~ (^|$'\n')/tnbtest-c[a-z]*\.\.\.0+\ \ 2 ]]
    for line in "${lines[@]}"; do
        ((${#line} <= 100)) || fail "$line"
    done
}

@test "cgroups are given as systemd prints them, or as directories" {
    cgroup_make named
    mkdir "$CGROUP/below.service"
    timensbpf set --cgroup "/$OWN.named/below.service" --realtime +1h
    [[ $(offsets_of "$CGROUP/below.service") == "3600000000000 0 0" ]]
    timensbpf show --json | grep -q "\"name\": \"/$OWN.named/below.service\""
    run -0 timensbpf enter --cgroup "$OWN.named/below.service" -- cat /proc/self/cgroup
    [[ $output == "0::/$OWN.named/below.service" ]]
    timensbpf unset --cgroup "/$OWN.named/below.service"
    [[ -z $(offsets_of "$CGROUP/below.service") ]]
    (cd "$CGROUP" && timensbpf set --cgroup below.service --realtime +2h)
    [[ $(offsets_of "$CGROUP/below.service") == "7200000000000 0 0" ]]
}

@test "names that are not UTF-8, or would act on a terminal, are shown escaped" {
    local bad=$'bad\xff\e[31m\xe2\x80\xae' shown='bad\xff\x1b[31m\xe2\x80\xae'
    cgroup_make "$bad"
    timensbpf set --cgroup "$CGROUP" --realtime +3d
    # shellcheck disable=SC2016
    "${IN[@]}" "$CGROUP" bash -c 'printf "\xff\xfe\e]x" >/proc/$$/comm; sleep 1000; :' 3>&- &
    wait_until 10 names_are "/$OWN.$shown" 'sleep' '\xff\xfe\x1b]x'
    run -0 on_terminal 300 timensbpf show -p
    [[ $output == *"/$OWN.$shown "* && $output == *'\xff\xfe\x1b]x'* ]]
    [[ $output != *$'\e'* && $output != *$'\xff'* ]]
    run --separate-stderr timensbpf set --cgroup "$CGROUP/"$'no\e\n' --realtime +3d
    # shellcheck disable=SC2154
    [[ $status == 1 && ${#stderr_lines[@]} == 1 && $stderr != *$'\e'* && $stderr == *'no\x1b\x0a'* ]]
    run --separate-stderr timensbpf $'\e[31m'
    [[ $status == 2 && $stderr == *"'\\x1b[31m'"* ]]
}
# names_are CGROUP PROCESS…: as JSON has them
names_are() {
    timensbpf show --json | python3 -c '
import json, sys
[rule] = [rule for rule in json.load(sys.stdin)["rules"] if rule["name"] == sys.argv[1]]
sys.exit(sorted(process["name"] for process in rule["processes"]) != sorted(sys.argv[2:]))' "$@"
}

@test "run points to what stays the host's once, on a terminal" {
    local run=(timensbpf run --realtime +1d --name "$OWN")
    rm -f /run/timensbpf.noted
    status_of 0 true
    [[ -z $stderr ]]
    run -0 on_terminal 100 "${run[@]}" --quiet -- true
    [[ -z $output ]]
    run -0 on_terminal 100 "${run[@]}" -- true
    [[ ${#lines[@]} == 1 && $output == *"'timensbpf doctor'"* ]]
    ((${#output} <= 100))
    run -0 on_terminal 100 "${run[@]}" -- true
    [[ -z $output ]]
}

@test "doctor has a line for everything that it must examine" {
    local key
    run -0 timensbpf doctor --json
    for key in kernel privileges lockdown btf bpffs cgroup2 lsm error-injection \
        preemption misses reads reads-32 time-syscall time-syscall-32 times-syscall \
        vdso-lookup fast-path fast-path-32 live users-bpf waits waits-memory waits-ring stamps ptp loaded daemon; do
        [[ $output =~ \"key\":\ *\"$key\" ]] || fail "no finding $key"
    done
    python3 -c '
import json, sys
document = json.loads(sys.argv[1])
assert document["schema"] == 1 and document["can_load"] is True
groups = [finding["group"] for finding in document["findings"]]
assert groups == sorted(groups, key=("load", "doors", "limits", "now").index), groups
assert set(groups) == {"load", "doors", "limits", "now"}, groups
for finding in document["findings"]:
    assert finding["health"] in ("ok", "note", "warn", "fail"), finding
    assert "\n" not in finding["text"], finding
    assert finding["health"] == "ok" or finding["advice"], finding
    assert finding["health"] != "fail", finding' "$output"
    run -0 timensbpf doctor
    [[ $output == *"$(uname -r)"* ]]
    [[ ${lines[0]} == "Can load" && ${lines[-1]} == "This machine can load the programs; "* ]]
    [[ $output != *$'\e'* ]]
}

# bats test_tags=once
@test "doctor warns where users may load BPF programs" {
    local setting=/proc/sys/kernel/unprivileged_bpf_disabled was
    was=$(<"$setting")
    # From 1 there is no way back.
    [[ $was != 1 ]] || echo 2 >"$setting" 2>/dev/null || skip "the setting is 1 until the next boot"
    echo 0 >"$setting"
    run -0 timensbpf doctor --json
    echo "$was" >"$setting"
    [[ $(json_object key users-bpf "$output") == *'"warn"'*"$(basename "$setting")"* ]]
    run -0 timensbpf doctor --json
    [[ $(json_object key users-bpf "$output") == *'"ok"'* ]]
}

@test "what no kernel can do is a note of doctor, no warning" {
    local key
    for key in vdso-lookup waits-memory waits-armed stamps ptp; do
        [[ $(doctor_health "$key") == note ]] || fail "$key"
    done
}

@test "doctor fits the terminal, and is coloured where that is wanted" {
    local line
    run -0 on_terminal 72 env NO_COLOR=1 timensbpf doctor
    [[ $output != *$'\e'* && ${lines[-1]} == "This machine can load"* ]]
    for line in "${lines[@]}"; do
        ((${#line} <= 72)) || fail "$line"
    done
    run -0 on_terminal 72 timensbpf doctor
    [[ $output == *$'\e[32mok  \e[0m'* ]]
    TERM_WANTED=dumb run -0 on_terminal 72 timensbpf doctor
    [[ $output != *$'\e'* ]]
}

@test "help and version go to standard output" {
    local command
    run --separate-stderr timensbpf --help
    [[ $status == 0 && -z $stderr && $output == *"timensbpf run"* ]]
    run --separate-stderr timensbpf --version
    [[ $status == 0 && -z $stderr && $output =~ [0-9]+\.[0-9]+\.[0-9]+ ]]
    run --separate-stderr timensbpf help
    [[ $status == 0 && -z $stderr && $output == *Examples*"timensbpf run"* ]]
    diff <(timensbpf help) <(timensbpf -h)
    for command in run set unset show enter load unload doctor help completion; do
        run --separate-stderr timensbpf "$command" --help
        [[ $status == 0 && -z $stderr && $output == "Usage: timensbpf $command"* ]] ||
            fail "$command --help"
        diff <(timensbpf help "$command") <(timensbpf "$command" -h)
        diff <(timensbpf help "$command") <(echo "$output")
    done
    timensbpf help run | grep -q '^  timensbpf run --realtime +3d -- date$'
}

@test "help without being asked for is wrong usage, on standard error" {
    run --separate-stderr timensbpf
    [[ $status == 2 && -z $output ]]
    diff <(timensbpf help) <(echo "$stderr")
}
