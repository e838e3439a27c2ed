# SPDX-License-Identifier: GPL-2.0-or-later
# timensbpfd as systemd runs it, and what systemd starts in a rule.
# The larger image: tests/vm/run --full

load ../helpers

setup_file() {
    [[ $(</proc/1/comm) == systemd ]] || skip 'boot with --full'
    file_begin
}
teardown_file() {
    systemctl stop timensbpfd
    rm -rf "$SERVICE" "$DROP_IN"
    systemctl daemon-reload
    file_end
}

setup() {
    rule_make
    FILE=$BATS_TEST_TMPDIR/readings
    # A test before may have failed without one.
    systemctl start timensbpfd
}
teardown() {
    systemctl stop tnbtest.slice
    test_end
}

UNIT=timensbpfd.service
SERVICE=/run/systemd/system/tnbtest.service
DROP_IN=/run/systemd/system/$UNIT.d
HERE=${BATS_TEST_FILENAME%/*}/..

property() { systemctl show --property "$1" --value "$UNIT"; }
main_pid() { property MainPID; }
# is_anew PID: another process serves in its place
is_anew() { [[ $(property ActiveState) == active && $(main_pid) != "$1" ]]; }

# journal_has LEVEL PATTERN: a line of the daemon's, with nothing in front
journal_has() {
    journalctl --sync
    journalctl --identifier timensbpfd --output json --output-fields PRIORITY,MESSAGE |
        python3 -c '
import json, re, sys
lines = [json.loads(line) for line in sys.stdin]
sys.exit(not any(line["PRIORITY"] == sys.argv[1] and re.match(sys.argv[2], line["MESSAGE"])
                 for line in lines))' "$@"
}

# A rule on a slice, which lives as long as systemd says.
slice_make() {
    systemctl start tnbtest.slice
    timensbpf set --cgroup "$CGROUPS/tnbtest.slice" "${CLOCKS[@]}"
}

# read_confined NAME PROPERTY…: a service with these properties reads fast
read_confined() {
    local name=$1
    printf '%s\n' '[Service]' Type=oneshot Slice=tnbtest.slice "StandardOutput=truncate:$FILE" \
        "Environment=PATH=$PATH" "BindReadOnlyPaths=$BATS_RUN_TMPDIR" "${@:2}" \
        "ExecStart=$(type -P no_clock_calls) read_clocks-dynamic --reference $REFERENCE --prefix $name" \
        >"$SERVICE"
    systemctl daemon-reload
    systemctl start "${SERVICE##*/}" ||
        fail "$(journalctl --unit "${SERVICE##*/}" --lines 20)" || return
    fast_doors "$FILE" "$name/"
}

@test "the unit has nothing that systemd warns of, and can be enabled" {
    local said
    said=$(systemd-analyze verify "$UNIT" 2>&1)
    [[ -z $said ]] || fail "$said"
    systemctl enable "$UNIT"
    [[ $(systemctl is-enabled "$UNIT") == enabled ]]
    systemctl disable "$UNIT"
}

@test "when systemctl start returns, it serves" {
    systemctl stop "$UNIT"
    systemctl start "$UNIT"
    in_cgroup "$CGROUP" no_clock_calls read_clocks-dynamic --reference "$REFERENCE" >"$FILE"
    fast_doors "$FILE" ''
    [[ $(property StatusText) == serving ]]
}

@test "services in a slice with a rule are fast, however they are confined" {
    slice_make
    read_confined plain
    read_confined other-user DynamicUser=yes
    read_confined namespaces PrivateUsers=yes PrivateTmp=yes PrivateDevices=yes \
        ProtectSystem=strict ProtectHome=yes ProtectProc=invisible \
        ProcSubset=pid
    read_confined filters NoNewPrivileges=yes MemoryDenyWriteExecute=yes \
        SystemCallFilter=@system-service SystemCallErrorNumber=EPERM \
        RestrictNamespaces=yes RestrictRealtime=yes RestrictSUIDSGID=yes \
        LockPersonality=yes
    read_confined capabilities CapabilityBoundingSet= ProtectClock=yes \
        ProtectKernelTunables=yes ProtectControlGroups=yes ProtectHostname=yes
}

@test "journald has its lines, with their levels" {
    journal_has 6 'version .* serves$'
    ! python3 "$HERE/control.py" tiny
    journal_has 4 'control: .* refused: .*too short'
}

@test "in the background it writes to journald, too" {
    local before
    systemctl stop "$UNIT"
    before=$(journalctl --identifier timensbpfd | grep -c ' serves$')
    timensbpfd
    wait_until 30 status_is_told
    pkill -TERM -x timensbpfd
    wait_until 10 no_daemon
    journal_has 6 'ends; running programs keep their time$'
    (($(journalctl --identifier timensbpfd | grep -c ' serves$') == before + 1))
}

@test "killed: another one serves, and what runs is untouched" {
    local before
    serve_start "${IN[@]}" "$CGROUP" no_clock_calls
    serve before
    before=$(main_pid)
    kill -KILL "$before"
    wait_until 60 is_anew "$before"
    serve after
    expect_doors "$SERVED" '(before|after)/libc-.*' "${OFFSETS[@]}"
    shows "$SERVER" fast
}

@test "stopped: the watchdog has another one in its place" {
    local before
    mkdir -p "$DROP_IN"
    printf '[Service]\n%s\n' WatchdogSec=5 TimeoutAbortSec=1 >"$DROP_IN/test.conf"
    systemctl daemon-reload
    systemctl restart "$UNIT"
    before=$(main_pid)
    kill -STOP "$before"
    wait_until 60 is_anew "$before"
    rm "$DROP_IN/test.conf"
    systemctl daemon-reload
    systemctl restart "$UNIT"
}

@test "stop leaves no process, and rules and programs as they are" {
    systemctl stop "$UNIT"
    [[ $(property Result) == success ]]
    no_daemon
    [[ ! -e /run/timensbpf/control ]]
    in_cgroup "$CGROUP" read_clocks-dynamic --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" 'libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday)' "${OFFSETS[@]}"
}
