# SPDX-License-Identifier: GPL-2.0-or-later
# The fast path: programs that start in a rule read their clock by the
# replacement vDSO. What can read it under no_clock_calls, reads it fast.
#
# Kernels: every version (6.12-preempt stands for 6.12), and 6.1-ei, where other
# programs can be attached than on 6.1.
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-1-ei,kernel:6-12-preempt

load helpers

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() {
    rule_make
    FILE=$BATS_TEST_TMPDIR/readings
}
teardown() {
    clock_source_restore
    test_end
}

PROBES=/usr/local/lib/timensbpf/probes

# read_fast NAME COMMAND…: COMMAND reads in the rule, without clock calls, fast
read_fast() {
    local name=$1
    shift
    in_cgroup "$CGROUP" no_clock_calls "$@" --reference "$REFERENCE" --prefix "$name" \
        >"$FILE.$name" || return
    fast_doors "$FILE.$name" "$name/"
}

@test "every kind of program reads by the image, from the first instruction on" {
    local variant
    for variant in "${VARIANTS[@]}"; do
        read_fast "$variant" "read_clocks-$variant"
    done
}

@test "system calls stay right beside it" {
    local variant
    for variant in "${VARIANTS[@]}"; do
        in_cgroup "$CGROUP" "read_clocks-$variant" --reference "$REFERENCE" \
            --prefix "$variant" >"$FILE"
        expect_doors "$FILE" "$variant/raw-clock.*" "${OFFSETS[@]}"
    done
}

@test "clock_getres, getcpu, getrandom answer as outside" {
    read_clocks-dynamic --reference "$REFERENCE" >"$FILE.outside"
    in_cgroup "$CGROUP" read_clocks-dynamic --reference "$REFERENCE" >"$FILE"
    diff <(grep ^works "$FILE.outside") <(grep ^works "$FILE")
}

@test "setuid programs, and such that may not be dumped" {
    local dir=/tmp/$OWN variant
    mkdir -m 755 "$dir"
    for variant in dynamic static; do
        install -m 4755 "$(type -P read_clocks-$variant)" "$dir/setuid-$variant"
        install -m 711 "$(type -P read_clocks-$variant)" "$dir/secret-$variant"
        # Not under no_clock_calls, which takes setuid away: its vDSO tells.
        in_cgroup "$CGROUP" setpriv --reuid 65534 --regid 65534 --clear-groups \
            "$dir/setuid-$variant" --reference "$REFERENCE" >"$FILE.setuid-$variant"
        fast_doors "$FILE.setuid-$variant" ''
        read_fast "secret-$variant" setpriv --reuid 65534 --regid 65534 --clear-groups \
            "$dir/secret-$variant"
    done
    rm -r "$dir"
}

# bats test_tags=once
@test "scripts and their interpreters" {
    printf '#!/bin/sh\nexec read_clocks-musl "$@"\n' >"$BATS_TEST_TMPDIR/script"
    chmod +x "$BATS_TEST_TMPDIR/script"
    read_fast script "$BATS_TEST_TMPDIR/script"
}

@test "in user, process, mount and IPC namespaces of its own" {
    read_fast namespaces unshare --user --map-root-user --pid --fork --mount --ipc \
        read_clocks-dynamic
}

@test "in a time namespace both offsets add up" {
    in_cgroup "$CGROUP" unshare --time --fork --monotonic 1000 --boottime 2000 \
        no_clock_calls read_clocks-dynamic --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" 'libc-clock_gettime-(real|mono|boot).*|vdso-(stack|mapping)-.*' \
        "${OFFSETS[0]}" $((OFFSETS[1] + 1000 * 1000000000)) \
        $((OFFSETS[2] + 2000 * 1000000000))
}

# bats test_tags=once
@test "a time namespace that is joined while the pages are mapped" {
    local namespace
    unshare --time --monotonic 1000000 sleep 600 3>&- &
    namespace=$!
    wait_until 10 has_other_time "$namespace"
    in_cgroup "$CGROUP" python3 - "/proc/$namespace/ns/time_for_children" <<'EOF'
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def by_call():
    now = (ctypes.c_long * 2)()
    assert libc.syscall(228, time.CLOCK_MONOTONIC, now) == 0
    return now[0] * 10**9 + now[1]

def by_image():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

assert "bpf-map" in open("/proc/self/maps").read()
before = by_image()
assert libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0x80) == 0, ctypes.get_errno()
first, second, third = by_image(), by_call(), by_image()
print(before, first, second, third)
assert before + 10**15 <= first <= second <= third < before + 10**15 + 60 * 10**9
EOF
    kill "$namespace"
}
has_other_time() { [[ $(readlink "/proc/$1/ns/time_for_children") != "$(readlink /proc/self/ns/time)" ]]; }

@test "an exec by another thread than the first" {
    read_fast thread exec_from_thread thread "$PROBES/read_clocks-static"
}

@test "with all signals blocked, with SIGTRAP ignored: and they stay so" {
    local how
    for how in blocked ignored; do
        read_fast "$how" exec_from_thread "$how" read_clocks-dynamic
        exec_from_thread "$how" grep -E '^Sig[BIC]' /proc/self/status >"$FILE.outside"
        in_cgroup "$CGROUP" exec_from_thread "$how" grep -E '^Sig[BIC]' /proc/self/status |
            diff "$FILE.outside" -
    done
}

@test "where memory that can be written cannot be executed" {
    local status=0
    read_fast mdwe exec_from_thread mdwe read_clocks-static || status=$?
    in_cgroup "$CGROUP" exec_from_thread mdwe true ||
        [[ $? != 77 ]] || skip "PR_SET_MDWE came with 6.3"
    [[ $status == 0 ]]
}

# lease FILE: a process that opens it waits until lease_end.
lease() {
    echo 600 >/proc/sys/fs/lease-break-time
    mkfifo "$BATS_TEST_TMPDIR/lease"
    python3 -c '
import fcntl, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
with open(sys.argv[1], "rb") as file:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    print("leased", flush=True)
    open(sys.argv[2]).read()' "$1" "$BATS_TEST_TMPDIR/lease" >"$FILE.lease" 3>&- &
    wait_until 10 grep -q leased "$FILE.lease"
}
lease_end() { : >"$BATS_TEST_TMPDIR/lease"; }

# leased_script NAME LINE…: its interpreter, a copy of the program NAME, is
# leased. An exec that waits for its interpreter waits with the mutex that
# PTRACE_SEIZE takes.
leased_script() {
    local interpreter=$BATS_TEST_TMPDIR/interpreter
    SCRIPT=$BATS_TEST_TMPDIR/script
    cp "$(type -P "$1")" "$interpreter"
    printf '%s\n' "#!$interpreter" "${@:2}" >"$SCRIPT"
    chmod +x "$SCRIPT"
    lease "$interpreter"
}

# There are more of them than threads that trace.
# bats test_tags=once
@test "programs that are read for ever do not keep others from a fast start" {
    local i pids=()
    leased_script true
    for ((i = 0; i < 40; i++)); do
        "${IN[@]}" "$CGROUP" "$SCRIPT" 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait_until 10 is_executing "$i"; done
    wait_until 30 one_starts_fast
    lease_end
    wait "${pids[@]}"
}
is_executing() { [[ $(</proc/"$1"/syscall) == '59 '* ]]; }
one_starts_fast() {
    local before
    before=$(figure start_fast)
    in_cgroup "$CGROUP" true
    (($(figure start_fast) > before))
}

# bats test_tags=once
@test "a program that takes long to be read is fast all the same" {
    local go=$BATS_TEST_TMPDIR/go slow
    mkfifo "$go"
    leased_script bash "read -r <$go"
    # It lives here before: moves are seen to by themselves.
    # shellcheck disable=SC2016
    "${IN[@]}" "$CGROUP" bash -c 'read -r <"$0"; exec "$1"' "$go" "$SCRIPT" 3>&- &
    slow=$!
    wait_until 20 shows "$slow" fast
    echo >"$go"
    wait_until 20 is_executing "$slow"
    start_is_counted
    lease_end
    wait_until 20 has_pages "$slow"
    echo >"$go"
    wait "$slow"
    start_is_counted
}
# Nothing has been missed so far.
start_is_counted() { [[ $(figure start_slow.missed) == "${MISSED:=$(figure start_slow.missed)}" ]]; }

# The loader is told of a program that ends; its process id then goes to another
# one, which executes a program in another rule when the loader comes.
# bats test_tags=once
@test "a process that has the id of another that has ended gets its own rule's time" {
    local go=$BATS_TEST_TMPDIR/go ended starter before after
    mkdir "$CGROUP/other"
    timensbpf set --cgroup "$CGROUP/other" --realtime +1h --monotonic +0s --boottime +0s
    mkfifo "$go"
    leased_script bash 'echo "$EPOCHREALTIME"'
    # It lives there before: only starts are told of from then on.
    # The event of `true`, of which the loader hears too late, names that id.
    # shellcheck disable=SC2016
    "${IN[@]}" "$CGROUP/other" bash -c '
        read -r last <"$0"
        echo "$last" >/proc/sys/kernel/ns_last_pid
        "$1" &
        wait' "$go" "$SCRIPT" >"$FILE" 3>&- &
    starter=$!
    wait_until 20 has_pages "$starter"
    daemon_find
    kill -STOP "$DAEMON"
    "${IN[@]}" "$CGROUP" true 3>&- &
    ended=$!
    wait "$ended"
    before=$EPOCHSECONDS
    echo "$((ended - 1))" >"$go"
    wait_until 10 is_executing "$ended"
    kill -CONT "$DAEMON"
    wait_until 10 daemon_serves
    lease_end
    wait "$starter"
    after=$(<"$FILE")
    echo "an hour after $before: $after"
    ((${after%.*} >= before + 3600 && ${after%.*} <= EPOCHSECONDS + 3600))
}

# bats test_tags=once
@test "with two file descriptors left" {
    # shellcheck disable=SC2016
    read_fast two bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd < 3)) || eval "exec $fd>&-"; done
        ulimit -n 5 && exec "$0" "$@"' read_clocks-static
}

# bats test_tags=once
@test "without a file descriptor left: slow, right, and counted" {
    local before
    before=$(figure start_slow.files)
    in_cgroup "$CGROUP" exec_from_thread files "$PROBES/exec_child" \
        "$(in_cgroup "$CGROUP" date +%s%N)" || [[ $? == 1 ]]
    (($(figure start_slow.files) > before))
}

# bats test_tags=once
@test "traced by another process: slow, right, and counted" {
    local before
    before=$(figure start_slow.traced)
    in_cgroup "$CGROUP" strace -f -o /dev/null \
        read_clocks-dynamic --quick --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "${OFFSETS[@]}"
    (($(figure start_slow.traced) > before))
}

@test "a tracer with the name of our helper is none" {
    local before tracer=$BATS_TEST_TMPDIR/tnb-patcher
    cp "$(command -v strace)" "$tracer"
    before=$(figure start_slow.traced)
    in_cgroup "$CGROUP" "$tracer" -f -o /dev/null true
    (($(figure start_slow.traced) > before))
}

# bats test_tags=once
@test "execs that fail are not counted as missed" {
    read_fast failing exec_from_thread failing read_clocks-musl
}

@test "no file descriptor, no signal, no mask and no tracer is left" {
    local command=(bash -c 'exec 3>&-; ls -l /proc/self/fd | sed "s/.* -> //; s/[0-9]//g"
        grep -E "^(Sig|Shd|Tracer|Seccomp|Threads|State)" /proc/self/status | sed "s/SigQ.*//"')
    "${command[@]}" >"$FILE.outside"
    in_cgroup "$CGROUP" "${command[@]}" | diff "$FILE.outside" -
}

@test "no mapping is left but the three pages" {
    setarch -R cat /proc/self/maps >"$FILE.all"
    mappings "$FILE.all" >"$FILE.outside"
    in_cgroup "$CGROUP" setarch -R cat /proc/self/maps >"$FILE"
    [[ $(grep -c bpf-map "$FILE") == 1 ]]
    mappings "$FILE" | diff "$FILE.outside" -
}
# Sizes, rights and names of all but the clock page and what follows it
mappings() {
    awk '/bpf-map/ { getline; next }
        { split($1, at, "-")
          print strtonum("0x" at[2]) - strtonum("0x" at[1]), $2, $6 }' "$1" | sort
}

@test "strace can be attached afterwards" {
    serve_start "${IN[@]}" "$CGROUP"
    serve before
    strace -p "$SERVER" -o "$BATS_TEST_TMPDIR/trace" 3>&- &
    wait_until 10 is_traced "$SERVER"
    serve traced
    kill "$!"
    wait_until 10 is_not_traced "$SERVER"
    serve after
    expect_doors "$SERVED" '(before|traced|after)/.*' "${OFFSETS[@]}"
}

@test "the stack can be walked from a signal within it" {
    local json
    json=$(in_cgroup "$CGROUP" unwind)
    echo "$json"
    [[ $(number broken "$json") == 0 ]]
}

@test "threads are cancelled in the middle of system calls, and clean up" {
    local program json
    for program in cancel cancel32; do
        json=$(in_cgroup "$CGROUP" "$program")
        echo "$program: $json"
        [[ $(number cleaned "$json") == $(number threads "$json") ]]
    done
}

@test "children of a fast process are fast" {
    in_cgroup "$CGROUP" no_clock_calls life --reference "$REFERENCE" births >"$FILE"
    expect_doors "$FILE" '[^/]*/libc-.*' "${OFFSETS[@]}"
}

# bats test_tags=once
@test "show tells which processes are fast, and why another is not" {
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 shows "$!" fast
    shown_as "$!" | grep -E '^  [0-9]+ fast$'
    local tracer
    "${IN[@]}" "$CGROUP" strace -o /dev/null sleep 1000 3>&- &
    tracer=$!
    wait_until 10 shows_child_of "$tracer" hidden
    shown_as "$(pgrep -P "$tracer")" |
        grep -E "^  1 slow: .*could not prepare it: .*; reads the HOST's time by a vDSO that it finds by itself$"
}
shows_child_of() { shows "$(pgrep -P "$1" -x sleep)" "$2"; }

# bats test_tags=once
@test "a layout that does not fit is found out: system calls, and all doors right" {
    local layout fits=0
    daemon_stop
    for layout in vdso_data vdso_data_max_cycles vdso_clock raw; do
        export TIMENSBPF_TEST_LAYOUT=$layout
        daemon_start
        if timensbpf doctor | grep -F "get the replacement vDSO (layout $layout)"; then
            fits=$((fits + 1))
            read_fast "$layout" read_clocks-static
        else
            timensbpf doctor | grep -E 'makes system calls here: (.* disagree on clock|the image does not come to its end|a test asked)'
        fi
        in_cgroup "$CGROUP" read_clocks-static --reference "$REFERENCE" >"$FILE"
        fast_doors "$FILE" ''
        [[ $layout != raw ]] || serve_start "${IN[@]}" "$CGROUP"
        [[ $layout != raw ]] || serve all-raw
        [[ $layout != raw ]] || shows "$SERVER" calls
        daemon_stop
    done
    unset TIMENSBPF_TEST_LAYOUT
    daemon_start
    ((fits == 1))
    another_image_takes_over
}
# The server began by the raw image; the one that fits is put in its place.
another_image_takes_over() {
    timensbpf unset --cgroup "$CGROUP" --force
    serve all-host
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve all-virtual
    shows "$SERVER" fast
    works all-raw | grep -q getres
    diff <(works all-raw) <(works all-host)
    diff <(works all-raw) <(works all-virtual)
    fast_doors "$SERVED" all-raw/
    fast_doors "$SERVED" all-host/ "${HOST[@]}"
    fast_doors "$SERVED" all-virtual/
}
# What tells no time answers as before.
works() { sed -n "s,^$1/\(works-\),\1,p" "$SERVED"; }

@test "another clock source than tsc: system calls, and all doors right" {
    local time
    grep -qw acpi_pm "$CLOCK_SOURCE/available_clocksource"
    serve_start "${IN[@]}" "$CGROUP"
    serve all-tsc
    shows "$SERVER" fast
    echo acpi_pm >"$CLOCK_SOURCE/current_clocksource"
    shows "$SERVER" calls
    serve all-acpi_pm
    in_cgroup "$CGROUP" read_clocks-static --reference "$REFERENCE" >"$FILE"
    timensbpf doctor | grep "clock source is acpi_pm, not tsc"
    clock_source_restore
    serve all-again
    fast_doors "$FILE" ''
    for time in tsc acpi_pm again; do
        fast_doors "$SERVED" "all-$time/"
        expect_doors "$SERVED" "all-$time/raw-clock.*" "${OFFSETS[@]}"
    done
    read_fast again read_clocks-static
}
CLOCK_SOURCE=/sys/devices/system/clocksource/clocksource0
clock_source_restore() { echo tsc >"$CLOCK_SOURCE/current_clocksource"; }

# bats test_tags=once
@test "run beside a daemon: fast" {
    timensbpf run "${CLOCKS[@]}" -- no_clock_calls read_clocks-static \
        --reference "$REFERENCE" >"$FILE"
    fast_doors "$FILE" ''
}

@test "every program of ours has a count of what passed it by" {
    local path name
    timensbpf show --json >"$FILE"
    for path in "$PINS"/progs/*; do
        name=${path##*/}
        # Copies of a time door stand in for each other: the last one tells.
        [[ ! $name =~ ^(fmod_ret_.*time.*_)([0-9])$ ||
            ! -e $PINS/progs/${BASH_REMATCH[1]}$((BASH_REMATCH[2] + 1)) ]] || continue
        grep -q "\"missed.$name\"" "$FILE" || fail "$name"
    done
}

@test "a process that was missed is changed afterwards, so that no lookup leads to the host" {
    local before go=$BATS_TEST_TMPDIR/go
    before=$(figure start_slow.missed)
    mkfifo "$go"
    # It lives here before: moves are seen to by themselves.
    # shellcheck disable=SC2016
    serve_start "${IN[@]}" "$CGROUP" bash -c 'read -r <"$0"; exec "$@"' "$go"
    wait_until 10 shows "$SERVER" fast
    daemon_find
    kill -STOP "$DAEMON"
    echo >"$go"
    serve missed
    kill -CONT "$DAEMON"
    wait_until 20 has_pages
    serve all-mended
    expect_doors "$SERVED" 'missed/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'all-mended/vdso-(proc-auxv|mapping)-.*' "${OFFSETS[@]}"
    (($(figure start_slow.missed) > before))
    shown_as "$SERVER" | grep -E '^  [0-9]+ slow: .*leads to virtual time$'
}

# bats test_tags=once
@test "a process that maps a page of programs that are gone is given that of its rule" {
    daemon_stop
    timensbpf unload --force
    timensbpf load
    daemon_start
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start "${IN[@]}" "$CGROUP"
    serve all-before
    daemon_stop
    # It should not be done. The page lives on by its mapping.
    rm -rf "$PINS"
    timensbpf load
    # With the same numbers of slot and pass as before.
    timensbpf set --cgroup "$CGROUP" --realtime +1h
    serve all-after
    daemon_start
    fast_doors "$SERVED" all-before/
    fast_doors "$SERVED" all-after/ 3600000000000 0 0
}

# bats test_tags=once
@test "a process that began without a loader is changed by the next set" {
    daemon_stop
    serve_start "${IN[@]}" "$CGROUP"
    serve slow
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve all-mended
    daemon_start
    expect_doors "$SERVED" 'slow/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'all-mended/vdso-(proc-auxv|mapping)-.*' "${OFFSETS[@]}"
}
has_pages() { grep -q bpf-map "/proc/${1-$SERVER}/maps"; }

# bats test_tags=once
@test "a step of the rule is seen at once, its end too" {
    serve_start "${IN[@]}" "$CGROUP"
    serve first
    timensbpf set --cgroup "$CGROUP" --realtime +1h --force
    serve stepped
    timensbpf unset --cgroup "$CGROUP" --force
    serve ended
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve again
    expect_doors "$SERVED" 'first/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'stepped/.*' 3600000000000 "${OFFSETS[@]:1}"
    expect_doors "$SERVED" 'ended/.*' 0 0 0
    expect_doors "$SERVED" 'again/.*' "${OFFSETS[@]}"
}

@test "a process that moves follows at once, and those that stay are fast again" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$other" --realtime +5h --monotonic +6h --boottime +7h
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 shows "$!" fast
    local stays=$!
    serve_start "${IN[@]}" "$CGROUP"
    serve here
    echo "$SERVER" >"$other/cgroup.procs"
    serve there
    wait_until 10 shows "$stays" fast
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    serve outside
    wait_until 10 shows "$stays" fast
    expect_doors "$SERVED" 'here/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'there/.*' 18000000000000 21600000000000 25200000000000
    expect_doors "$SERVED" 'outside/.*' 0 0 0
}

# bats test_tags=once
@test "a cgroup below gets a rule of its own" {
    mkdir "$CGROUP/below"
    serve_start "${IN[@]}" "$CGROUP/below"
    serve inherited
    timensbpf set --cgroup "$CGROUP/below" --realtime +5h
    serve own
    timensbpf unset --cgroup "$CGROUP/below"
    serve back
    expect_doors "$SERVED" '(inherited|back)/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'own/.*' 18000000000000 "${OFFSETS[@]:1}"
}

# bats test_tags=once
@test "a child born in another rule's cgroup does not keep its parent's time" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$other" --realtime +5h --monotonic +6h --boottime +7h
    in_cgroup "$CGROUP" life --reference "$REFERENCE" clone_into "$other" \
        read_clocks-static --quick --reference "$REFERENCE" --prefix exec >"$FILE"
    expect_doors "$FILE" '(clone_into|exec)/.*' 18000000000000 21600000000000 25200000000000
}

# bats test_tags=once
@test "without programs a fast process has the host's time" {
    serve_start "${IN[@]}" "$CGROUP"
    serve inside
    daemon_stop
    timensbpf unload --force
    serve unloaded
    timensbpf load
    daemon_start
    serve loaded
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" '(unloaded|loaded)/.*' 0 0 0
}
