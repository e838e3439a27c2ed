# SPDX-License-Identifier: GPL-2.0-or-later
# timensbpfd as a service: its control socket, its predecessors, systemd.
#
# Kernels: one, the daemon does the same with sockets and systemd on all. One
# CPU: programs are loaded again and again.
# bats file_tags=kernel:6-12,one-cpu

load helpers

setup_file() {
    file_begin
    daemon_start
}
teardown_file() {
    daemon_stop
    file_end
}

setup() {
    daemon_find
    cgroup_make "$BATS_TEST_NUMBER"
    FILE=$BATS_TEST_TMPDIR/out
    # A test before may have failed without one.
    ! process_is_gone "$DAEMON" || daemon_start
}
teardown() {
    serve_stop
    cgroups_remove
    [[ ! -e $ASIDE ]] || { rm "$ASIDE" && clean; }
}

HERE=${BATS_TEST_FILENAME%/*}
SOCKET=/run/timensbpf/control
ASIDE=/sys/fs/bpf/tnbtest-aside

logged() { grep -qs -- "$1" "$DAEMON_LOG"; }
# How often
times_logged() { grep -cs -- "$1" "$DAEMON_LOG" || true; }
daemon_kill() {
    kill -KILL "$DAEMON"
    wait_until 10 process_is_gone "$DAEMON"
}
say() { timeout 300 python3 "$HERE/control.py" "$@"; }

# ---- The command, with it and without --------------------------------------

# Set, changed, refused, forced and ended, by the command's own words.
rule_lives() {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" || return
    [[ $(offsets_of "$CGROUP") == "${OFFSETS[*]}" ]] || return
    timensbpf set --cgroup "$CGROUP" --realtime +1h || return
    [[ $(offsets_of "$CGROUP") == "3600000000000 ${OFFSETS[*]:1}" ]] || return
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 cgroup_is_populated "$CGROUP" || return
    expect_refusal 1 'monotonic would step back.*--force' \
        timensbpf set --cgroup "$CGROUP" --monotonic +1s || return
    expect_refusal 1 'boottime would leave its range|would step back' \
        timensbpf set --cgroup "$CGROUP" --boottime -100000d || return
    [[ $(offsets_of "$CGROUP") == "3600000000000 ${OFFSETS[*]:1}" ]] || return
    timensbpf set --cgroup "$CGROUP" --monotonic +1s --force || return
    [[ $(offsets_of "$CGROUP") == "3600000000000 1000000000 ${OFFSETS[2]}" ]] || return
    timensbpf unset --cgroup "$CGROUP" --force || return
    [[ -z $(offsets_of "$CGROUP") ]] || return
    expect_refusal 1 "'${CGROUP#"$CGROUPS"}' has no time of its own" timensbpf unset --cgroup "$CGROUP"
}

@test "set, unset and show, by the daemon" {
    local before
    before=$(times_logged ': control: ')
    rule_lives
    cat "$DAEMON_LOG"
    # Four changes and three refusals.
    (($(times_logged ': control: ') - before == 7))
    local name=${CGROUP#"$CGROUPS"}
    logged "control: set $name\$"
    logged "control: unset $name\$"
    logged "control: unset $name: '$name' has no time"
}

@test "set, unset and show, without one" {
    daemon_stop
    [[ ! -e $SOCKET ]]
    rule_lives
    daemon_start
}

@test "the daemon is killed: a stale socket has no owner, and is swept by the next" {
    daemon_kill
    [[ -S $SOCKET ]]
    rule_lives
    daemon_start
    logged "$SOCKET of a predecessor is swept"
    logged 'programs adopted: version'
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    logged "control: set ${CGROUP#"$CGROUPS"}\$"
}

@test "a wrong directory is refused as without a daemon" {
    local before
    before=$(times_logged ': control: ')
    expect_refusal 1 'not a cgroup v2 directory' timensbpf set --cgroup /tmp --realtime +1h
    expect_refusal 1 'root cgroup' timensbpf set --cgroup "$CGROUPS" --realtime +1h
    (($(times_logged ': control: ') == before))
}

@test "a cgroup of another mount namespace is that very one" {
    # Its path means nothing to the daemon.
    unshare --mount bash -c 'mount --bind "$0" /mnt && mount -t tmpfs none "$1" &&
        timensbpf set --cgroup /mnt --realtime +1h' "$CGROUP" "$CGROUPS"
    [[ $(offsets_of "$CGROUP") == "3600000000000 0 0" ]]
    logged "control: set ${CGROUP#"$CGROUPS"}\$"
}

@test "a stopped daemon holds no client up for ever, and changes nothing later" {
    kill -STOP "$DAEMON"
    timeout 600 timensbpf set --cgroup "$CGROUP" --realtime +1h
    [[ $(offsets_of "$CGROUP") == "3600000000000 0 0" ]]
    timensbpf set --cgroup "$CGROUP" --realtime +2h 3>&- &
    wait "$!"
    kill -CONT "$DAEMON"
    wait_until 10 logged 'control: .* refused'
    say status
    ! logged "control: set ${CGROUP#"$CGROUPS"}\$"
    [[ $(offsets_of "$CGROUP") == "7200000000000 0 0" ]]
}

@test "doctor says whether a daemon answers" {
    timensbpf doctor | grep -E 'timensbpfd: version .* serves, idle$'
    daemon_stop
    timensbpf doctor | grep 'timensbpfd: none answers'
    daemon_start
}

# ---- Bad input -------------------------------------------------------------

# refused HOW PATTERN: answered, closed, logged, and no rule changed
refused() {
    say "$1" >"$FILE" || fail "$1: $(<"$FILE")" || return
    [[ $(wc -l <"$FILE") == 2 && $(tail -n 1 "$FILE") == closed ]] &&
        grep -qE "^refused -[0-9]+ .*$2" "$FILE" || fail "$1: $(<"$FILE")" || return
    grep -qE "control: .* of process [0-9]+ refused: .*$2" "$DAEMON_LOG" ||
        fail "$1 is not in: $(<"$DAEMON_LOG")"
}

@test "messages that are short, long, of another version, or nonsense" {
    remember
    refused tiny 'too short: 1 bytes'
    refused short 'too short: 20 bytes'
    refused long 'too long: more than 128'
    refused version 'control version 3, this is version 2'
    refused magic 'does not begin'
    refused no-operation 'no operation 99'
    refused no-cgroup 'descriptors, not with 0'
    refused two-cgroups 'descriptors, not with 2'
    refused nothing 'no request within 2 s'
    say not-a-cgroup >"$FILE"
    grep -q '^done -22 .*not a cgroup v2 directory' "$FILE"
    is_unchanged
    say status >"$FILE"
    grep -q '^done 0 version .* serves, idle' "$FILE"
}

@test "a client that is not root" {
    [[ $(stat -c '%a %u' /run/timensbpf) == "700 0" && $(stat -c '%a %u' "$SOCKET") == "600 0" ]]
    run setpriv --reuid 65534 --regid 65534 --clear-groups python3 "$HERE/control.py" status
    [[ $output == *"Permission denied"* ]]
    # Even if it is opened to all.
    chmod 755 /run/timensbpf
    chmod 666 "$SOCKET"
    setpriv --reuid 65534 --regid 65534 --clear-groups \
        python3 "$HERE/control.py" status >"$FILE"
    chmod 600 "$SOCKET"
    chmod 700 /run/timensbpf
    grep -q '^refused .*user 65534, not root' "$FILE"
    logged 'the connection of process [0-9]* refused: it is user 65534, not root'
    ! grep -q ^done "$FILE"
}

@test "root of another user namespace" {
    unshare --user python3 "$HERE/control.py" status >"$FILE"
    grep -q '^refused .*user namespace' "$FILE"
    ! grep -q ^done "$FILE"
}

@test "clients that say nothing hold up no other, and are let go of" {
    local before
    before=$(times_logged 'no request within')
    mkfifo "$BATS_TEST_TMPDIR/life"
    say hang 10 <"$BATS_TEST_TMPDIR/life" >"$FILE" 3>&- &
    exec {life}>"$BATS_TEST_TMPDIR/life"
    wait_until 10 grep -q connected "$FILE"
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    logged "control: set ${CGROUP#"$CGROUPS"}\$"
    wait_until 10 times_logged_is 'no request within' $((before + 10))
    exec {life}>&-
    wait "$!"
}
times_logged_is() { (($(times_logged "$1") == $2)); }

@test "more clients than there is room for do it by themselves" {
    mkfifo "$BATS_TEST_TMPDIR/life"
    say hang 16 <"$BATS_TEST_TMPDIR/life" >"$FILE" 3>&- &
    exec {life}>"$BATS_TEST_TMPDIR/life"
    wait_until 10 grep -q connected "$FILE"
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    [[ $(offsets_of "$CGROUP") == "3600000000000 0 0" ]]
    exec {life}>&-
    wait "$!"
    # It may have come when their time was over.
    logged 'too many at once' || logged "control: set ${CGROUP#"$CGROUPS"}\$"
    wait_until 10 status_is_told
}

@test "many at once" {
    local i pids=()
    for i in {1..12}; do
        mkdir "$CGROUP/$i"
        timensbpf set --cgroup "$CGROUP/$i" --realtime "+${i}h" 3>&- &
        pids+=("$!")
    done
    for i in "${pids[@]}"; do wait "$i"; done
    for i in {1..12}; do
        [[ $(offsets_of "$CGROUP/$i") == "$((i * 3600))000000000 0 0" ]]
    done
}

# ---- Predecessors ----------------------------------------------------------

# fast_through COMMAND…: what runs stays fast and right, and so does what starts
fast_through() {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start "${IN[@]}" "$CGROUP"
    serve before
    wait_until 10 shows "$SERVER" fast || fail "$(timensbpf show)"
    "$@"
    serve after
    shows "$SERVER" fast
    in_cgroup "$CGROUP" no_clock_calls read_clocks-static --reference "$REFERENCE" \
        --prefix started >"$FILE"
    expect_doors "$SERVED" '(before|after)/.*' "${OFFSETS[@]}"
    expect_doors "$FILE" 'started/libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday)' \
        "${OFFSETS[@]}"
}

@test "killed and started anew: running programs are untouched" {
    killed_and_started() { daemon_kill && serve between && shows "$SERVER" fast && daemon_start; }
    fast_through killed_and_started
    expect_doors "$SERVED" 'between/.*' "${OFFSETS[@]}"
    logged 'programs adopted'
}

@test "restarted as another version and back: programs replaced, rules kept" {
    local version
    version=$(timensbpf --version)
    version=${version##* }
    upgraded() { daemon_stop && DAEMON_COMMAND=timensbpfd-next daemon_start && serve between; }
    fast_through upgraded
    expect_doors "$SERVED" 'between/.*' "${OFFSETS[@]}"
    logged "programs replaced, rules kept: version $version by"
    [[ $(timensbpf show) =~ "version "[^,]*"+next," ]]
    # A command of another version is served all the same.
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    logged "control: set ${CGROUP#"$CGROUPS"}\$"
    daemon_stop
    daemon_start
    logged 'programs replaced, rules kept: version .*+next by'
    [[ $(timensbpf show) =~ "version $version," ]]
    [[ $(offsets_of "$CGROUP") == "3600000000000 ${OFFSETS[*]:1}" ]]
}

# With one CPU none may be for a while (calls_one_cpu.bats).
a_call_is_completed() {
    in_cgroup "$CGROUP" raw_calls 1 20 "$(number base "$(raw_calls 1 1)")"
    (($(figure call.completed) > 0))
}

@test "another version counts calls anew, those that were completed too" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    wait_until 60 a_call_is_completed
    daemon_stop
    DAEMON_COMMAND=timensbpfd-next daemon_start
    [[ $(figure call_begun) == 0 && $(figure call.completed) == 0 ]]
    daemon_stop
    daemon_start
}

@test "programs are unloaded, or loaded anew under it: it ends and says why" {
    timensbpf unload
    wait_until 20 process_is_gone "$DAEMON"
    logged 'the programs were unloaded$'
    daemon_start
    daemon_find
    timensbpf unload
    timensbpf load
    wait_until 20 process_is_gone "$DAEMON"
    logged 'unloaded$' || logged 'other programs were loaded'
    daemon_start
}

@test "a second daemon is refused, also of another version, and changes nothing" {
    local command shown
    shown=$(timensbpf show | head -n 1)
    for command in timensbpfd timensbpfd-next; do
        run timeout 600 "$command" -f
        [[ $status == 1 && $output == *"another loader runs"* && ${#lines[@]} == 1 ]]
    done
    [[ $(timensbpf show | head -n 1) == "$shown" ]]
    say status | grep '^done 0'
}

# refuses_to_start PATTERN: one line says it, and nothing is changed.
refuses_to_start() {
    find /sys/fs/bpf | sort >"$BATS_TEST_TMPDIR/pins"
    run timeout 600 timensbpfd -f
    [[ $status == 1 && ${#lines[@]} == 1 && $output =~ $1 ]] ||
        fail "wanted: $1" "status $status: $output" || return
    find /sys/fs/bpf | sort | diff "$BATS_TEST_TMPDIR/pins" - || return
    [[ ! -e $SOCKET ]]
}

@test "a corrupted pin directory is named, and not used" {
    local pin
    daemon_stop
    for pin in maps/state maps/cgroup_slots maps/clock_pages maps/journal maps/counters \
        maps/loader_events maps/loader_state progs/page_write progs/page_pass \
        progs/memory_users progs/memory_owners; do
        # bpffs lets pins be renamed, but not files be made.
        mv "$PINS/$pin" "$ASIDE"
        refuses_to_start "$PINS(/${pin%/*})? is incomplete|cannot open $PINS/$pin"
        mv "$ASIDE" "$PINS/$pin"
    done
    # Another map in its place.
    mv "$PINS/maps/clock_pages" "$ASIDE"
    bpftool map create "$PINS/maps/clock_pages" type array key 4 value 8 entries 1 name other
    refuses_to_start 'maps/clock_pages is missing or not ours'
    rm "$PINS/maps/clock_pages"
    mv "$ASIDE" "$PINS/maps/clock_pages"
    daemon_start
}

@test "pages of another version are named, and not used" {
    local abi
    daemon_stop
    abi=$(state_word)
    state_word_set 99
    run refuses_to_start 'version .* keeps its rules in another form'
    local daemon=$status
    run timensbpf unload
    local unload=$status
    state_word_set "$abi"
    [[ $daemon == 0 && $unload == 1 && -e $PINS/maps/state ]] || fail "$output"
    daemon_start
}
# The first word of maps/state: page_abi
state_bytes() { bpftool -j map dump pinned "$PINS/maps/state" | python3 -c '
import json, sys
print(*json.load(sys.stdin)[0]["value"])'; }
state_word() { state_bytes | cut -d' ' -f1; }
state_word_set() {
    local bytes
    read -ra bytes < <(state_bytes)
    bytes[0]=$1
    bpftool map update pinned "$PINS/maps/state" key 0 0 0 0 value "${bytes[@]}"
}

# ---- systemd ---------------------------------------------------------------

# notified PATTERN: so far
notified() { grep -qE "^[0-9.]+ $1" "$BATS_TEST_TMPDIR/notes"; }
feedings() { grep -c 'WATCHDOG=1' "$BATS_TEST_TMPDIR/notes"; }
has_fed() { (($(feedings) >= $1)); }

@test "systemd is told of readiness, life and end" {
    daemon_stop
    python3 "$HERE/notify.py" "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/notes" 3>&- &
    local listener=$!
    wait_until 10 test -S "$BATS_TEST_TMPDIR/notify"
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=1000000 daemon_start
    wait_until 10 notified READY=1
    # Ready means that it can be asked at once.
    say status | grep '^done 0'
    # Half of a second apart, without anything else to do.
    wait_until 20 has_fed 8
    # Stopped, it does not feed: systemd would end it.
    kill -STOP "$DAEMON"
    local fed
    fed=$(feedings)
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    (($(feedings) <= fed + 1))
    kill -CONT "$DAEMON"
    wait_until 20 has_fed $((fed + 3))
    daemon_stop
    wait_until 10 notified STOPPING=1
    kill "$listener"
    daemon_start
}

@test "without a guard the watchdog is not fed" {
    local guard listener
    daemon_stop
    python3 "$HERE/notify.py" "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/notes" 3>&- &
    listener=$!
    wait_until 10 test -S "$BATS_TEST_TMPDIR/notify"
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=1000000 daemon_start
    wait_until 20 has_fed 2
    guard=$(pgrep -x timensbpf-guard)
    kill -STOP "$guard"
    wait_until 30 feeds_no_more
    kill -CONT "$guard"
    wait_until 20 has_fed $((FED + 2))
    kill "$listener"
    daemon_stop
    daemon_start
}
# Whatever wakes it otherwise has it feed.
feeds_no_more() {
    FED=$(feedings)
    for _ in {1..3}; do say status >/dev/null || return; done
    (($(feedings) == FED))
}

@test "in the background it is there when it is there, and logs elsewhere" {
    daemon_stop
    timensbpfd 3>&- >"$FILE" 2>&1
    wait_until 30 status_is_told
    [[ ! -s $FILE ]]
    pkill -TERM -x timensbpfd
    wait_until 10 test ! -e "$SOCKET"
    wait_until 10 no_daemon
    daemon_start
}
