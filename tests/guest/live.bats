# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that run already: `set` on a cgroup full of them, moves, the end of a
# rule. What can read the clock under no_clock_calls, reads it at full speed.
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

setup_file() {
    file_begin
}
teardown_file() {
    file_end
}

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
}
teardown() {
    threads_stop
    serve_stop
    [[ ! -e $BATS_FILE_TMPDIR/daemon.pid ]] || { daemon_stop && rm "$BATS_FILE_TMPDIR/daemon.pid"; }
    cgroups_remove
}

LATER=(--realtime +518400.246912 --monotonic +345600.246913578 --boottime +216001.975308642)
LATER_OFFSETS=(518400246912000 345600246913578 216001975308642)

# ---- A process with many threads -------------------------------------------

# asked_start COMMAND…: its answers are what `ask` waits for
asked_start() {
    mkfifo "$BATS_TEST_TMPDIR/asked"
    exec {THREADS_FD}<>"$BATS_TEST_TMPDIR/asked"
    ANSWERS=$BATS_TEST_TMPDIR/answers
    : >"$ANSWERS"
    "$@" <"$BATS_TEST_TMPDIR/asked" >"$ANSWERS" 2>/dev/null 3>&- {THREADS_FD}>&- &
    THREADS=$!
}

# threads_start THREADS [signals|forks]
threads_start() {
    asked_start live_threads "$@"
    ask check
}

# ask QUESTION: the answer in $ANSWER
ask() {
    local answers
    answers=$(wc -l <"$ANSWERS")
    echo "$1" >&"$THREADS_FD"
    wait_until 30 threads_answered "$((answers + 1))"
    ANSWER=$(tail -n 1 "$ANSWERS")
}
threads_answered() { (($(wc -l <"$ANSWERS") >= $1)); }

threads_stop() {
    [[ ${THREADS-} ]] || return 0
    exec {THREADS_FD}>&-
    kill -KILL "$THREADS" 2>/dev/null || true
    wait "$THREADS" 2>/dev/null || true
    THREADS=
    rm -f "$BATS_TEST_TMPDIR/asked"
}

# Since `check`: no thread read a time before another, was interrupted, or woken
# too early; and they did read.
nothing_went_back() {
    local before after
    ask tally
    before=$(number readings "$ANSWER")
    ask tally
    after=$(number readings "$ANSWER")
    echo "$ANSWER"
    ((after > before && $(number back "$ANSWER") == 0)) || return
    (($(number interrupted "$ANSWER") == 0 && $(number early "$ANSWER") == 0))
}


# ---- set, unset, unload ----------------------------------------------------

@test "a process that began outside: every door is virtual from set on, the host's after unset" {
    serve_start
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve before
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve inside
    shows "$SERVER" fast
    timensbpf set --cgroup "$CGROUP" "${LATER[@]}"
    serve later
    timensbpf unset --cgroup "$CGROUP" --force
    serve ended
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve again
    timensbpf unload --force
    serve unloaded
    timensbpf load
    expect_doors "$SERVED" '(before|ended|unloaded)/.*' 0 0 0
    expect_doors "$SERVED" '(inside|again)/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" 'later/.*' "${LATER_OFFSETS[@]}"
}

@test "at full speed inside and after the end, under a seccomp filter" {
    serve_start no_clock_calls
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve before
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve inside
    timensbpf unset --cgroup "$CGROUP" --force
    serve ended
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve inside-again
    timensbpf unload --force
    serve unloaded
    timensbpf load
    expect_doors "$SERVED" '(before|ended|unloaded)/(libc-clock_gettime-(real|mono|boot|tai).*|vdso-.*)' 0 0 0
    expect_doors "$SERVED" 'inside.*/(libc-clock_gettime-(real|mono|boot|tai).*|vdso-.*)' \
        "${OFFSETS[@]}"
}

@test "8 threads that read all the time, 15 that wait: one instant, nothing interrupted" {
    threads_start 8
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$THREADS" fast
    timensbpf set --cgroup "$CGROUP" "${LATER[@]}"
    nothing_went_back
    ask free
    timensbpf unset --cgroup "$CGROUP" --force
    ask check
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$THREADS" fast
    nothing_went_back
}

@test "4 threads under a thousand signals a second" {
    threads_start 4 signals
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    nothing_went_back
    wait_until 20 set_until_fast
    ask free
    timensbpf unset --cgroup "$CGROUP" --force
    ask where
}
# A handler may interrupt a reading each time that one looks.
set_until_fast() {
    shows "$THREADS" fast || { timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" && false; }
}

# bats test_tags=once
@test "many processes, and those that they start meanwhile" {
    local i pids=()
    for i in 1 2 3; do
        "${IN[@]}" "$CGROUP" nice -n 19 bash -c 'while :; do sleep 0.05; done' 3>&- &
        pids+=("$!")
        wait_until 10 lives_here "$!"
    done
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    for i in "${pids[@]}"; do shows "$i" fast; done
    for i in "${pids[@]}"; do [[ $(process_state "$i") == [RSD] ]]; done
}

lives_here() { grep -qx "$1" "$CGROUP/cgroup.procs"; }

@test "a job that is stopped stays stopped, and is virtual when it goes on" {
    serve_start
    serve before
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    kill -STOP "$SERVER"
    wait_until 10 is_stopped "$SERVER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    is_stopped "$SERVER"
    shows "$SERVER" fast
    kill -CONT "$SERVER"
    serve inside
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
}
is_stopped() { [[ $(process_state "$1") == T ]]; }

# bats test_tags=once
@test "signals blocked, SIGTRAP ignored, memory that cannot become executable" {
    local how
    for how in blocked ignored mdwe; do
        exec_from_thread "$how" true || { [[ $? == 77 ]] && continue; }
        serve_start exec_from_thread "$how"
        serve before
        grep -E '^Sig[BIC]' "/proc/$SERVER/status" >"$BATS_TEST_TMPDIR/signals"
        echo "$SERVER" >"$CGROUP/cgroup.procs"
        timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
        serve inside
        grep -E '^Sig[BIC]' "/proc/$SERVER/status" | diff "$BATS_TEST_TMPDIR/signals" -
        expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
        timensbpf unset --cgroup "$CGROUP" --force
        serve_stop
    done
}

# bats test_tags=once
@test "traced by another process: named, and changed when the tracer has gone" {
    serve_start
    serve before
    strace -p "$SERVER" -o /dev/null 3>&- &
    local tracer=$!
    wait_until 10 is_traced "$SERVER"
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$BATS_TEST_TMPDIR/note"
    grep -q '1 processes still read another time' "$BATS_TEST_TMPDIR/note"
    shows "$SERVER" visible
    kill "$tracer"
    wait_until 10 is_not_traced "$SERVER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$BATS_TEST_TMPDIR/note"
    [[ ! -s $BATS_TEST_TMPDIR/note ]]
    serve inside
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
}

# The sibling answers from here on; $SERVER waits for good.
sibling_start() {
    serve_start
    serve sibling
    serve answers
    wait_until 10 sleeps "$SERVER"
}
sleeps() { [[ $(process_state "$1") == S ]]; }

# bats test_tags=once
@test "a process that shares its memory with one that lives elsewhere is left alone" {
    sibling_start
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$BATS_TEST_TMPDIR/note"
    grep -q '1 processes still read another time' "$BATS_TEST_TMPDIR/note"
    serve apart
    expect_doors "$SERVED" 'apart/.*' 0 0 0
}

# The timeouts of some calls begin anew with each stop.
# bats test_tags=once
@test "a process that shares its memory is not stopped again and again" {
    local switches
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    sibling_start
    switches=$(grep ^voluntary "/proc/$SERVER/status")
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    asked_start live_threads 0
    ask tally
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    [[ $(grep ^voluntary "/proc/$SERVER/status") == "$switches" ]]
    shows "$SERVER" visible
}

# bats test_tags=once
@test "no file descriptor, no mapping but ours, no tracer is left" {
    threads_start 2
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    state_of_threads >"$BATS_TEST_TMPDIR/before"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    ask tally
    state_of_threads >"$BATS_TEST_TMPDIR/after"
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    [[ $(grep -c bpf-map "/proc/$THREADS/maps") == 1 ]]
    timensbpf unset --cgroup "$CGROUP" --force
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    [[ $(grep -c bpf-map "/proc/$THREADS/maps") == 1 ]]
}
state_of_threads() {
    find "/proc/$THREADS/fd" -type l | wc -l
    cat /proc/"$THREADS"/task/*/status |
        grep -E '^(Sig[BIC]|Shd|Tracer|Seccomp|Threads)'
    # All but the three pages, which are two mappings.
    awk '/bpf-map/ { getline; next } { print }' "/proc/$THREADS/maps"
}

# bats test_tags=once
@test "killed over it: the process goes on, and the next one sees to it" {
    local i
    threads_start 4
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    ask free
    for i in {1..2}; do
        timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>/dev/null 3>&- &
        local command=$!
        wait_until 20 patcher_or_end "$command"
        pkill "-$([[ $((i % 2)) == 0 ]] && echo KILL || echo STOP)" tnb-patcher || true
        wait "$command"
        ask tally
        timensbpf unset --cgroup "$CGROUP" --force
    done
    # A thread whose patcher dies may see that it was interrupted.
    ask check
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$THREADS" fast
    ask tally
    echo "$ANSWER"
    (($(number back "$ANSWER") == 0 && $(number early "$ANSWER") == 0))
    [[ $(awk '/^TracerPid/ { print $2 }' "/proc/$THREADS/status") == 0 ]]
}
patcher_or_end() { pgrep -x tnb-patcher >/dev/null || process_is_gone "$1"; }

# bats test_tags=once
@test "a process that moves while no loader runs has the time of its cgroup at once, by system call" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$other" "${LATER[@]}"
    serve_start
    serve outside
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "$SERVER" fast
    echo "$SERVER" >"$other/cgroup.procs"
    serve all-there
    shows "$SERVER" waits
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve all-back
    timensbpf set --cgroup "$other" "${LATER[@]}"
    serve all-still
    fast_doors "$SERVED" all-there/ "${LATER_OFFSETS[@]}"
    fast_doors "$SERVED" all-back/
    fast_doors "$SERVED" all-still/
    expect_doors "$SERVED" 'all-there/raw-clock.*' "${LATER_OFFSETS[@]}"
    expect_doors "$SERVED" 'all-(back|still)/raw-clock.*' "${OFFSETS[@]}"
}

# bats test_tags=once
@test "a vDSO that is not where the kernel mapped it: left alone, and listed" {
    asked_start map_tricks move-vdso
    ask time
    local before=$ANSWER
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$BATS_TEST_TMPDIR/note"
    grep -q '1 processes still read another time' "$BATS_TEST_TMPDIR/note"
    shows "$THREADS" visible
    ! grep -q bpf-map "/proc/$THREADS/maps"
    ask time
    ((ANSWER - before >= 259200 && ANSWER - before < 259260))
}

# ---- One page per rule -----------------------------------------------------

# REALTIME and BOOTTIME of CLOCKS are so many seconds apart, those of LATER
# twice that; two readings one after the other, in a busy guest, are not.
STEP=151199
BETWEEN=60

# bats test_tags=once
@test "a thousand processes: one write, and all see it" {
    local before
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    asked_start "${IN[@]}" "$CGROUP" no_clock_calls many_readers 1000
    ask first
    before=$ANSWER
    are_apart 0 "$before"
    timensbpf set --cgroup "$CGROUP" "${LATER[@]}"
    ask second
    are_apart "$STEP" "$before"
}
# are_apart SECONDS BEFORE: every answer is so far from those before
are_apart() {
    local nearest farthest
    nearest=$((($(number lowest "$ANSWER") - $(number highest "$2")) / 1000000000 - $1))
    farthest=$((($(number highest "$ANSWER") - $(number lowest "$2")) / 1000000000 - $1))
    ((nearest > -BETWEEN && farthest < BETWEEN)) || fail "before: $2" "now: $ANSWER"
}

@test "no process can write the page, or see another rule's" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    page_is_guarded
    bpftool map show name tnb_clock_page >"$BATS_TEST_TMPDIR/maps"
    (($(grep -c 'name tnb_clock_page' "$BATS_TEST_TMPDIR/maps") == $(grep -cw frozen "$BATS_TEST_TMPDIR/maps")))
}

# ---- Moves, with a daemon --------------------------------------------------

@test "a process that moves in, over and out gets the time of its cgroup, at full speed" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    timensbpf set --cgroup "$other" "${LATER[@]}"
    daemon_start
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    local stays=$!
    threads_start 4
    serve_start
    serve outside
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$SERVER" fast
    wait_until 20 shows "$THREADS" fast
    serve here
    echo "$SERVER" >"$other/cgroup.procs"
    echo "$THREADS" >"$other/cgroup.procs"
    serve there
    wait_until 20 shows "$SERVER" fast
    wait_until 20 shows "$THREADS" fast
    serve still-there
    wait_until 20 shows "$stays" fast
    ask tally
    [[ $(number interrupted "$ANSWER") == 0 ]]
    echo "$SERVER" >"$CGROUPS/cgroup.procs"
    serve left
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$SERVER" fast
    serve back
    expect_doors "$SERVED" '(outside|left)/.*' 0 0 0
    expect_doors "$SERVED" '(here|back)/.*' "${OFFSETS[@]}"
    expect_doors "$SERVED" '(there|still-there)/.*' "${LATER_OFFSETS[@]}"
}

@test "a process that is moved in changes at one instant at all doors" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    threads_start 4
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    nothing_went_back
    nothing_is_apart
}

@test "one that comes from a rule where clock calls are forbidden changes at one instant, too" {
    local other=$CGROUPS/$OWN.other
    mkdir "$other"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    timensbpf set --cgroup "$other" "${LATER[@]}"
    daemon_start
    "${IN[@]}" "$CGROUP" sandboxed kill >"$BATS_TEST_TMPDIR/sandboxed" 3>&- &
    wait_until 10 test -s "$BATS_TEST_TMPDIR/sandboxed"
    threads_start 4
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    echo "$THREADS" >"$other/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    nothing_went_back
    nothing_is_apart
}
nothing_is_apart() { ask tally && [[ $(number apart "$ANSWER") == 0 ]] || fail "$ANSWER"; }

# bats test_tags=once
@test "a process that goes out and comes back at once sees one time at all doors" {
    local i
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    threads_start 3
    ask free
    for i in {1..4}; do
        echo "$THREADS" >"$CGROUP/cgroup.procs"
        [[ $i != 1 ]] || wait_until 20 shows "$THREADS" fast
        echo "$THREADS" >"$CGROUPS/cgroup.procs"
    done
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    nothing_is_apart
}

# bats test_tags=once
@test "a child born between a move and its end keeps no process slow" {
    local stays
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    "${IN[@]}" "$CGROUP" sleep 1000 3>&- &
    stays=$!
    wait_until 20 shows "$stays" fast
    # Many, because the child is to be there before its parent is changed.
    in_cgroup "$CGROUP" python3 - "$CGROUPS" >"$BATS_TEST_TMPDIR/pids" 3>&- <<'EOF' &
import os, sys, time
for turn in range(20):
    if os.fork() == 0:
        with open(sys.argv[1] + "/cgroup.procs", "w") as procs:
            procs.write("0")
        os.fork()
        print(os.getpid(), flush=True)
        time.sleep(1000)
        os._exit(0)
time.sleep(1000)
EOF
    wait_until 20 lines_are 40 "$BATS_TEST_TMPDIR/pids"
    wait_until 30 shows "$stays" fast
    kill "$stays" "$!" $(<"$BATS_TEST_TMPDIR/pids")
}
lines_are() { (($(wc -l <"$2") == $1)); }

@test "the children of a process that is moved in change at one instant, too" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    threads_start 1 forks
    wait_until 20 children_are_more_than 3
    echo "$THREADS" >"$CGROUP/cgroup.procs"
    wait_until 20 shows "$THREADS" fast
    wait_until 20 children_are_more_than $(($(number children "$ANSWER") + 3))
    nothing_is_apart
}
children_are_more_than() { ask tally && (($(number children "$ANSWER") > $1)); }

# bats test_tags=once
@test "a process that is moved in and cannot be changed has the time of its cgroup by system call" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    daemon_start
    serve_start
    strace -p "$SERVER" -o /dev/null 3>&- &
    local tracer=$!
    wait_until 10 is_traced "$SERVER"
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    wait_until 20 reads_virtual_by_system_call
    shows "$SERVER" visible
    kill "$tracer"
    wait_until 10 is_not_traced "$SERVER"
}
reads_virtual_by_system_call() {
    TRY=$((${TRY-0} + 1))
    serve "try$TRY"
    judge_doors "$SERVED" "try$TRY/raw-clock_gettime.*" "${OFFSETS[@]}" 2>/dev/null
}

# What set cannot change it names, and it does not wait.
# bats test_tags=once
@test "a process that cannot be changed is listed: strict seccomp, a filter, user dispatch, no descriptor left, frozen, first thread ended" {
    local pid pids=() note=$BATS_TEST_TMPDIR/note frozen=$CGROUP/frozen
    mkdir "$frozen"
    sleeps_as strict python3 -c '
import ctypes, os
libc = ctypes.CDLL(None)
os.write(1, b"ready\n")
libc.prctl(22, 1)
os.read(0, 1)'
    # All system calls but those of the C library itself.
    sleeps_as dispatched python3 -c '
import ctypes, os, re
libc = ctypes.CDLL(None)
ends = [[int(end, 16) for end in line.split()[0].split("-")]
        for line in open("/proc/self/maps") if "/libc.so" in line]
begin, end = min(ends)[0], max(ends)[1]
block = ctypes.c_char(b"\1")
assert not libc.prctl(59, ctypes.c_ulong(1), ctypes.c_ulong(begin),
                      ctypes.c_ulong(end - begin), ctypes.byref(block))
os.write(1, b"ready\n")
os.read(0, 1)'
    sleeps_as full bash -c 'ulimit -n 3; echo ready; read -r'
    sleeps_as headless python3 -c '
import ctypes, os, threading, time
threading.Thread(target=lambda: (os.write(1, b"ready\n"), os.read(0, 1))).start()
ctypes.CDLL(None).syscall(60, 0)'
    sleeps_as filtered no_socket_calls bash -c 'echo ready; read -r'
    for pid in "${pids[@]}"; do echo "$pid" >"$CGROUP/cgroup.procs"; done
    sleeps_as frozen bash -c 'echo ready; read -r'
    echo "${pids[-1]}" >"$frozen/cgroup.procs"
    echo 1 >"$frozen/cgroup.freeze"
    wait_until 10 grep -q 'frozen 1' "$frozen/cgroup.events"
    timensbpf set --cgroup "$CGROUP/" "${CLOCKS[@]}" 2>"$note"
    cat "$note"
    grep -q "${#pids[@]} processes still read another time" "$note"
    for pid in "${pids[@]}"; do shows "$pid" visible; done
    echo 0 >"$frozen/cgroup.freeze"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    shows "${pids[-1]}" fast
    kill -KILL "${pids[@]}"
}
# sleeps_as NAME COMMAND…: it says that it is ready, and then reads for ever
sleeps_as() {
    local out=$BATS_TEST_TMPDIR/$1 in=$BATS_TEST_TMPDIR/$1.in
    mkfifo "$in"
    "${@:2}" <>"$in" >"$out" 3>&- &
    pids+=($!)
    wait_until 10 grep -q ready "$out"
}

# bats test_tags=once
@test "a core file that is being written is not cut off" {
    local pattern size=$((8 << 20)) out=$BATS_TEST_TMPDIR pid
    pattern=$(</proc/sys/kernel/core_pattern)
    printf '%s\n' '#!/bin/bash' ": >$out/dumps" \
        "until [[ -e $out/go ]]; do sleep 0.05; done" "wc -c >$out/size" >"$out/take"
    chmod 755 "$out/take"
    echo "|$out/take" >/proc/sys/kernel/core_pattern
    "${IN[@]}" "$CGROUP" python3 -c "import os; some = os.urandom($size); os.abort()" 3>&- &
    pid=$!
    wait_until 20 test -e "$out/dumps"
    echo "$pattern" >/proc/sys/kernel/core_pattern
    grep -q '^CoreDumping:.1' "/proc/$pid/status"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}" 2>"$out/note"
    cat "$out/note"
    : >"$out/go"
    wait_until 20 test -s "$out/size"
    (($(<"$out/size") > size))
}

# Kernels before 6.7 verify loops over threads for one turn only.
@test "a process of a hundred threads moves from rule to rule" {
    local other=$CGROUPS/$OWN.other way
    mkdir "$other"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    timensbpf set --cgroup "$other" "${LATER[@]}"
    python3 -c '
import threading
stop = threading.Event()
for i in range(100):
    threading.Thread(target=stop.wait, daemon=True).start()
print("ready", flush=True)
stop.wait()' >"$BATS_TEST_TMPDIR/ready" 3>&- &
    wait_until 20 grep -q ready "$BATS_TEST_TMPDIR/ready"
    for way in "$CGROUP" "$other" "$CGROUP" "$CGROUPS" "$other" "$CGROUPS"; do
        echo "$!" >"$way/cgroup.procs"
    done
    kill "$!"
}

# A process with threads in two places makes system calls.
@test "a rule on a threaded cgroup: a process that has threads there is changed, and listed" {
    local domain=$CGROUPS/$OWN.domain tids
    mkdir -p "$domain/threads"
    echo threaded >"$domain/threads/cgroup.type"
    serve_start
    echo "$SERVER" >"$domain/cgroup.procs"
    serve thread
    tids=("/proc/$SERVER/task/"*)
    echo "${tids[-1]##*/}" >"$domain/threads/cgroup.threads"
    timensbpf set --cgroup "$domain/threads" "${CLOCKS[@]}"
    serve all-there
    fast_doors "$SERVED" all-there/
    expect_doors "$SERVED" 'all-there/raw-clock.*' "${OFFSETS[@]}"
    shows "$SERVER" waits
}

# bats test_tags=once
@test "a process that has threads in a rule does not come from outside" {
    local domain=$CGROUPS/$OWN.domain tids
    mkdir -p "$domain/threads"
    echo threaded >"$domain/threads/cgroup.type"
    timensbpf set --cgroup "$domain/threads" "${LATER[@]}"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start
    echo "$SERVER" >"$domain/cgroup.procs"
    serve thread
    tids=("/proc/$SERVER/task/"*)
    echo "${tids[-1]##*/}" >"$domain/threads/cgroup.threads"
    serve there
    daemon_start
    # No loader sees to it.
    daemon_find
    kill -STOP "$DAEMON"
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    serve here
    expect_doors "$SERVED" 'thread/raw-clock_gettime-(real|mono|boot|tai).*' 0 0 0
    expect_doors "$SERVED" 'there/raw-clock_gettime-(real|mono|boot|tai).*' "${LATER_OFFSETS[@]}"
    expect_doors "$SERVED" 'here/raw-clock_gettime-(real|mono|boot|tai).*' "${OFFSETS[@]}"
}

# bats test_tags=once
@test "a daemon that starts sees to those that moved before" {
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    serve_start
    serve outside
    echo "$SERVER" >"$CGROUP/cgroup.procs"
    shows "$SERVER" visible
    daemon_start
    wait_until 20 shows "$SERVER" fast
    serve inside
    expect_doors "$SERVED" 'inside/.*' "${OFFSETS[@]}"
}
