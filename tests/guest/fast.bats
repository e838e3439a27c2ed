# SPDX-License-Identifier: GPL-2.0-or-later
# The fast path: programs that start in a rule read their clock by the
# replacement vDSO. What can read it under no_clock_calls, reads it fast.

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
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    FILE=$BATS_TEST_TMPDIR/readings
}
teardown() {
    serve_stop
    cgroups_remove
}

PROBES=/usr/local/lib/timensbpf/probes
FAST_VARIANTS=(dynamic static musl go)

# fast_doors FILE PREFIX: all doors but system calls are there and right
fast_doors() {
    expect_doors "$1" "$2libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday|time)" \
        "${OFFSETS[@]}" || return
    # Go's own runtime finds the vDSO by itself.
    grep -q "^$2vdso-" "$1" || return 0
    expect_doors "$1" "$2vdso-(getauxval|stack|proc-auxv|mapping)-.*" "${OFFSETS[@]}" || return
    # PR_GET_AUXV came with 6.4.
    grep -q "^$2vdso-prctl-auxv.* absent" "$1" ||
        expect_doors "$1" "$2vdso-prctl-auxv-.*" "${OFFSETS[@]}"
}

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
    for variant in "${FAST_VARIANTS[@]}"; do
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

@test "without a file descriptor left: slow, right, and counted" {
    local before
    before=$(figure start_slow.files)
    in_cgroup "$CGROUP" exec_from_thread files "$PROBES/exec_child" \
        "$(in_cgroup "$CGROUP" date +%s%N)" || [[ $? == 1 ]]
    (($(figure start_slow.files) > before))
}

@test "32-bit programs: slow, right, and counted" {
    local before
    before=$(figure start_slow.ia32)
    in_cgroup "$CGROUP" read_clocks-static32 --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '(raw|libc)-clock.*' "${OFFSETS[@]}"
    (($(figure start_slow.ia32) == before + 1))
}

@test "traced by somebody else: slow, right, and counted" {
    local before
    before=$(figure start_slow.traced)
    in_cgroup "$CGROUP" strace -f -o /dev/null \
        read_clocks-dynamic --quick --reference "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "${OFFSETS[@]}"
    (($(figure start_slow.traced) > before))
}

@test "execs that fail are nobody's loss" {
    read_fast failing exec_from_thread failing read_clocks-musl
}

@test "no file descriptor, no signal, no mask and no tracer is left" {
    local command=(bash -c 'exec 3>&-; ls -l /proc/self/fd | sed "s/.* -> //; s/[0-9]//g"
        grep -E "^(Sig|Shd|Tracer|Seccomp|Threads|State)" /proc/self/status | sed "s/SigQ.*//"')
    "${command[@]}" >"$FILE.outside"
    in_cgroup "$CGROUP" "${command[@]}" | diff "$FILE.outside" -
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
is_traced() { ! grep -q '^TracerPid:.0$' "/proc/$1/status"; }
is_not_traced() { grep -q '^TracerPid:.0$' "/proc/$1/status"; }

@test "the stack can be walked from a signal within it" {
    local json
    json=$(in_cgroup "$CGROUP" unwind)
    echo "$json"
    [[ $(number broken "$json") == 0 ]]
}

@test "children of a fast process are fast" {
    in_cgroup "$CGROUP" no_clock_calls life --reference "$REFERENCE" births >"$FILE"
    expect_doors "$FILE" '[^/]*/libc-.*' "${OFFSETS[@]}"
}

@test "show tells who is fast, and why another is not" {
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    wait_until 10 shows "$!" fast
    timensbpf show | grep -E "^  process   $! sleep: fast$"
}

# shows PID STATE
shows() {
    timensbpf show --json | python3 -c '
import json, sys
for rule in json.load(sys.stdin)["rules"]:
    for process in rule["processes"]:
        if process["pid"] == int(sys.argv[1]):
            sys.exit(process["vdso"] != sys.argv[2])
sys.exit(1)' "$@"
}

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

@test "who moves follows at once, and those who stay are fast again" {
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
    shows "$stays" waits
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    serve outside
    shows "$stays" waits
    serve_stop
    wait_until 10 shows "$stays" fast
    expect_doors "$SERVED" 'here/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'there/.*' 18000000000000 21600000000000 25200000000000
    expect_doors "$SERVED" 'outside/.*' 0 0 0
}

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

@test "a child born in another rule's cgroup does not keep its parent's time" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$other" --realtime +5h --monotonic +6h --boottime +7h
    in_cgroup "$CGROUP" life --reference "$REFERENCE" clone_into "$other" \
        read_clocks-static --quick --reference "$REFERENCE" --prefix exec >"$FILE"
    expect_doors "$FILE" '(clone_into|exec)/.*' 18000000000000 21600000000000 25200000000000
}

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
