# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# shellcheck disable=SC2034 # (used by the files that load this one)
#
# What all test files share. Everything here runs as root in a guest that may
# be thrown away; names of cgroups derive from the test file's name.

bats_require_minimum_version 1.5.0

CGROUPS=/sys/fs/cgroup
PINS=/sys/fs/bpf/timensbpf
OWN=tnbtest-$(basename "${BATS_TEST_FILENAME:-none}" .bats)
VARIANTS=(dynamic static musl static32 go)

# The rule that most tests use: each clock its own offset, none a whole second.
CLOCKS=(--realtime +259200.123456 --monotonic +172800.123456789 --boottime +108000.987654321)
OFFSETS=(259200123456000 172800123456789 108000987654321)
HOST=(0 0 0)

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# tell LINE…: into the results, of a test that passes too
tell() { printf '# %s\n' "$@" >&3; }

# So many times as long as a thing takes here waits a test for it, on a machine that
# has much else to do. Only what hangs is waited for so long.
PATIENCE=10

# wait_until SECONDS COMMAND…: until COMMAND succeeds.
wait_until() {
    local end=$((SECONDS + $1 * PATIENCE))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "not within the time limit: $*" || return
        sleep 0.05
    done
}

# ---- Setting up ------------------------------------------------------------

# A process outside of every virtual cgroup that tells the host's time.
reference_start() {
    REFERENCE=$BATS_FILE_TMPDIR/reference
    export REFERENCE
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$BATS_FILE_TMPDIR"
    clock_reference "$REFERENCE" 3>&- >/dev/null 2>&1 &
    echo "$!" >"$BATS_FILE_TMPDIR/reference.pid"
    wait_until 10 test -S "$REFERENCE"
}

reference_stop() {
    local pid
    pid=$(<"$BATS_FILE_TMPDIR/reference.pid") || return 0
    kill "$pid" 2>/dev/null || true
}

# Loading takes seconds in a guest: programs that a file before left in a good
# state are kept, in a bad one removed. Figures go on counting: compare.
file_begin() {
    cgroups_remove
    reference_start
    timensbpf load || { clean && timensbpf load; }
}

file_end() {
    cgroups_remove
    reference_stop
}

# The same with a loader.
file_begin_served() {
    file_begin
    daemon_start
}

file_end_served() {
    daemon_stop
    file_end
}

# For files whose tests load the programs themselves: nothing is loaded.
file_begin_clean() {
    clean
    reference_start
}

file_end_clean() {
    clean
    reference_stop
}

test_end() {
    serve_stop
    cgroups_remove
}

clean() {
    cgroups_remove
    timensbpf unload --force
    rm -rf "$PINS" "$PINS-new" "$PINS-old"
}

# The loader as a service. Its process id is in $DAEMON after daemon_find (a
# test before may have started another), its log in $DAEMON_LOG. DAEMON_COMMAND
# may name another version of it.
daemon_start() {
    : >"$BATS_FILE_TMPDIR/daemon.log"
    "${DAEMON_COMMAND-timensbpfd}" -f 2>"$BATS_FILE_TMPDIR/daemon.log" 3>&- &
    echo "$!" >"$BATS_FILE_TMPDIR/daemon.pid"
    daemon_find
    wait_until 120 daemon_has_answered
    daemon_serves || fail "no daemon: $(<"$DAEMON_LOG")"
}
daemon_find() {
    DAEMON=$(<"$BATS_FILE_TMPDIR/daemon.pid")
    DAEMON_LOG=$BATS_FILE_TMPDIR/daemon.log
}
daemon_serves() { grep -qs ' serves$' "$DAEMON_LOG"; }
daemon_has_answered() { daemon_serves || process_is_gone "$DAEMON"; }

daemon_stop() {
    daemon_find
    kill -CONT "$DAEMON" 2>/dev/null || true
    kill "$DAEMON" 2>/dev/null || true
    wait_until 10 process_is_gone "$DAEMON"
}
# By its control socket; in the file's own $HERE is the client.
status_is_told() { timeout 300 python3 "$HERE/control.py" status | grep -q '^done 0'; }
no_daemon() { ! pgrep -x timensbpfd; }
process_is_gone() { [[ ! -e /proc/$1 || $(process_state "$1") == Z ]]; }
# The letter in /proc/PID/stat
process_state() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    echo "${stat%% *}"
}

# ---- Cgroups ---------------------------------------------------------------

# cgroup_make NAME: its path in $CGROUP
cgroup_make() {
    CGROUP=$CGROUPS/$OWN.$1
    mkdir "$CGROUP"
}

# A cgroup of this test with the rule that most use.
rule_make() {
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
}

cgroup_is_populated() { grep -qs 'populated 1' "$1/cgroup.events"; }
cgroup_is_empty() { ! cgroup_is_populated "$1"; }

# Ours and those of `run`, with what lives in them.
cgroups_remove() {
    local dir
    for dir in "$CGROUPS/$OWN".* "$CGROUPS"/timensbpf.*; do
        [[ -d $dir ]] || continue
        # A run that is about to end may remove its own first.
        { echo 1 >"$dir/cgroup.kill"; } 2>/dev/null || continue
        # cgroup.kill signals the first thread, which does nothing once it ended.
        find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        wait_until 10 cgroup_is_empty "$dir"
        find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [[ ! -d $dir ]] || fail "cannot remove $dir"
    done
}

# "${IN[@]}" PATH COMMAND…: moves there without our command line, then becomes
# COMMAND. In the background, $! is COMMAND's process id.
# shellcheck disable=SC2016
IN=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"')
in_cgroup() { "${IN[@]}" "$@"; }

# ---- Readings --------------------------------------------------------------

# expect_doors FILE PATTERN R M B: every door whose whole name matches the ERE
# is right, and there is one. (The shell would take minutes: see judge_doors.)
expect_doors() { judge_doors "$@" || fail "in ${1##*/}, for '$2', rule ${*:3}"; }

# fast_doors FILE PREFIX [R M B]: all doors but system calls are there and right
fast_doors() {
    local file=$1 prefix=$2 rule=("${@:3}")
    ((${#rule[@]})) || rule=("${OFFSETS[@]}")
    expect_doors "$file" "${prefix}libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday|time)" \
        "${rule[@]}" || return
    # Go's own runtime finds the vDSO by itself.
    grep -q "^${prefix}vdso-" "$file" || return 0
    expect_doors "$file" "${prefix}vdso-(getauxval|stack|proc-auxv|mapping)-.*" "${rule[@]}" ||
        return
    # PR_GET_AUXV came with 6.4.
    grep -q "^${prefix}vdso-prctl-auxv.* absent" "$file" ||
        expect_doors "$file" "${prefix}vdso-prctl-auxv-.*" "${rule[@]}"
}

# expect_absent FILE PATTERN: all matching doors are there and absent
expect_absent() { judge_doors "$1" "$2" absent; }

# read_at FILE COMMAND…: COMMAND's readings into FILE of this test file
read_at() {
    local file=$BATS_FILE_TMPDIR/$1
    shift
    "$@" >"$file" || fail "status $? of: $*"
}

# No process in $CGROUP, which is served, can do more with its clock page than read it.
page_is_guarded() {
    in_cgroup "$CGROUP" map_tricks clock-page >"$BATS_TEST_TMPDIR/tricks" || return
    diff <(echo "tried: 7") "$BATS_TEST_TMPDIR/tricks"
}

# What hammer has to be told, in $HAMMER: the host's clock now, and the rule.
hammer_prepare() {
    local host offsets="${OFFSETS[*]}"
    host=$(host_clock now)
    HAMMER=(--host "${host// /,}" --offset "${offsets// /,}")
}

# serve_start [COMMAND…]: a process, started by COMMAND, that reads the clock
# whenever serve asks it to. Its starter's process id is in $SERVER.
serve_start() {
    SERVED=$BATS_TEST_TMPDIR/served
    mkfifo "$BATS_TEST_TMPDIR/questions"
    exec {SERVE_FD}<>"$BATS_TEST_TMPDIR/questions"
    "$@" life --reference "$REFERENCE" serve \
        <"$BATS_TEST_TMPDIR/questions" >"$SERVED" 2>/dev/null 3>&- {SERVE_FD}>&- &
    SERVER=$!
}

# serve NAME: a reading under that name, in $SERVED
serve() {
    local answers
    answers=$(grep -c '^\.$' "$SERVED") || true
    echo "$1" >&"$SERVE_FD"
    wait_until 20 serve_answered "$((answers + 1))"
}

serve_answered() { (($(grep -c '^\.$' "$SERVED") >= $1)); }

serve_stop() {
    [[ ${SERVER-} ]] || return 0
    exec {SERVE_FD}>&-
    kill "$SERVER" 2>/dev/null || true
    wait "$SERVER" 2>/dev/null || true
    SERVER=
    rm -f "$BATS_TEST_TMPDIR/questions"
}

# ---- Storms of starts ------------------------------------------------------

# A process that is held for ever, or stopped, would live as long as the storm. How
# long the longest lives is up to what else wants the CPUs.
LONGEST_US=60000000

# A rule for a storm, and where it writes its result.
storm_prepare() {
    rule_make
    STORM=$BATS_TEST_TMPDIR/storm
    daemon_find
}

# storm STREAMS EXECS: a start takes some milliseconds, not seconds
storm() {
    in_cgroup "$CGROUP" nice -n "${STORM_NICE-0}" timeout $((600 + $2)) exec_storm "$@" >"$STORM"
}

# All of EXECS were right, so many at least fast, and none was held for long.
storm_was_good() {
    local json execs=$1 fast=$2
    json=$(<"$STORM")
    echo "$json"
    # Why, if it was not.
    cat "$DAEMON_LOG"
    timensbpf show --json | tr -d '\n ' |
        grep -oE '"name":"(start|loader|exec)_[^}]*"value":[1-9][0-9]*' || true
    [[ $(number wrong "$json") == 0 ]] || return
    (($(number fast "$json") + $(number slow "$json") == execs)) || return
    (($(number fast "$json") >= fast)) || return
    (($(number longest_us "$json") < LONGEST_US))
}

# ---- Deadlines ---------------------------------------------------------------

# every_memory COMMAND…: a deadline is right, whatever memory it lies in, and none is lost
every_memory() {
    local lost wrong
    lost=$(figure deadline_lost)
    "$@" deadline_memory "$BATS_TEST_TMPDIR/file" >"$BATS_TEST_TMPDIR/memory" 2>/dev/null
    wrong=$(grep -v '^ok' "$BATS_TEST_TMPDIR/memory" | grep -vx 'absent .*') || true
    [[ ! $wrong ]] || fail "$wrong"
    (($(grep -c '^ok' "$BATS_TEST_TMPDIR/memory") >= 8))
    [[ $(figure deadline_lost) == "$lost" ]]
}

# ---- The host --------------------------------------------------------------

# The host's clock was not stepped since host_remember, its discipline not
# changed, and a process outside reads it.
host_remember() {
    host_clock wall >"$BATS_TEST_TMPDIR/wall"
    host_clock timex >"$BATS_TEST_TMPDIR/timex"
}

host_is_unchanged() {
    local low high was_low was_high
    read -r was_low was_high <"$BATS_TEST_TMPDIR/wall"
    read -r low high < <(host_clock wall)
    ((low <= was_high && was_low <= high)) ||
        fail "the host's clock was stepped: $was_low..$was_high, now $low..$high" || return
    diff "$BATS_TEST_TMPDIR/timex" <(host_clock timex) || return
    read_clocks-static --quick --reference "$REFERENCE" >"$BATS_TEST_TMPDIR/outside"
    expect_doors "$BATS_TEST_TMPDIR/outside" '.*' 0 0 0
}

# ---- The command -----------------------------------------------------------

# expect_refusal STATUS PATTERN COMMAND…: one line on stderr, nothing on stdout
expect_refusal() {
    local status_wanted=$1 pattern=$2
    shift 2
    run --separate-stderr "$@"
    # shellcheck disable=SC2154
    [[ $status == "$status_wanted" && -z $output && ${#stderr_lines[@]} == 1 &&
        $stderr == "timensbpf: "* && $stderr =~ $pattern ]] && return
    fail "wanted: status $status_wanted, one line with '$pattern'" \
        "command: $*" "status: $status" "stdout: $output" "stderr: $stderr"
}

# Everything that a refused command must leave as it was.
state_dump() {
    find /sys/fs/bpf "$CGROUPS" -type d -o -path '/sys/fs/bpf/*' | sort
    if [[ -e $PINS/maps/cgroup_slots ]]; then
        fill_map "$PINS/maps/cgroup_slots" list
        timensbpf show --json | grep -o '"offset_ns": *{[^}]*}' || true
    fi
    host_clock timex
}

# Nothing of it has changed since remember.
remember() { state_dump >"$BATS_TEST_TMPDIR/state"; }
is_unchanged() { diff "$BATS_TEST_TMPDIR/state" <(state_dump); }

# one_line COMMAND…: its output without line breaks, to be matched as a whole
one_line() { "$@" | tr -d '\n'; }

# json_object FIELD VALUE JSON: the flat object with that string field
json_object() {
    [[ $3 =~ \{[^{}]*\"$1\":\ *\"$2\"[^{}]*\} ]] || fail "no $1 $2 in: $3" || return
    echo "${BASH_REMATCH[0]}"
}

# doctor_health KEY: ok, note, warn or fail; doctor_text KEY
doctor_health() {
    json_object key "$1" "$(doctor_once)" | grep -oE '"health": *"[a-z]*"' | cut -d'"' -f4
}

# What is asked of it here does not change within a file.
doctor_once() {
    [[ -s $BATS_FILE_TMPDIR/doctor ]] || one_line timensbpf doctor --json >"$BATS_FILE_TMPDIR/doctor"
    cat "$BATS_FILE_TMPDIR/doctor"
}

doctor_text() {
    json_object key "$1" "$(doctor_once)" |
        sed -E 's/.*"text": *"(([^"\\]|\\.)*)".*/\1/'
}

# figure NAME: of `show`; 0 if it is not listed
figure() {
    local shown
    shown=$(one_line timensbpf show --json) || return
    [[ $shown =~ \{[^{}]*\"name\":\ *\"$1\"[^{}]*\} ]] || { echo 0; return; }
    number value "${BASH_REMATCH[0]}"
}

# all misses but those of exec
missed_reads() {
    timensbpf show --json | python3 -c '
import json, sys
print(sum(f["value"] for f in json.load(sys.stdin)["figures"]
          if f["missed"] and f["name"] != "missed.exec"))'
}

# offsets_of PATH: "R M B" of the rule of that cgroup, nothing without one
offsets_of() {
    timensbpf show --json | python3 -c '
import json, sys
for rule in json.load(sys.stdin)["rules"]:
    if rule["cgroup"] == sys.argv[1]:
        print(*(rule["offset_ns"][clock] for clock in ("realtime", "monotonic", "boottime")))' "$1"
}

# shows PID STATE: how `show` says that a process of a rule reads its clock
shows() {
    timensbpf show --json | python3 -c '
import json, sys
for rule in json.load(sys.stdin)["rules"]:
    for process in rule["processes"]:
        if process["pid"] == int(sys.argv[1]):
            sys.exit(process["vdso"] != sys.argv[2])
sys.exit(1)' "$@"
}

# shown_as PID: the line under which `show --processes` lists it
shown_as() {
    timensbpf show --processes | awk -v pid="$1" '
        $2 == "fast" || $2 == "slow:" { heading = $0; next }
        $1 == pid { print heading }'
}

# on_terminal COLUMNS COMMAND…: its output on a terminal that wide, its status
on_terminal() {
    TERM=${TERM_WANTED-xterm} python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try:
        output = os.read(terminal, 65536)
    except OSError:  # its other end was closed
        break
    sys.stdout.buffer.write(output.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}

is_traced() { ! is_not_traced "$1"; }
is_not_traced() { grep -q '^TracerPid:.0$' "/proc/$1/status"; }

# number KEY JSON: a number of a flat JSON line
number() {
    [[ $2 =~ \"$1\":\ *(-?[0-9]+) ]] || fail "no $1 in: $2" || return
    echo "${BASH_REMATCH[1]}"
}

# Our programs and links in the kernel, by the names of our objects.
kernel_objects() {
    bpftool prog show | grep -oE 'name (fexit_|read_|session_|kretprobe_|lsm_|fmod_ret_|kprobe_finalize|filter_|tp_cgroup|tp_sched|tp_born|move_|deadline_|page_|memory_|fentry_exit)\S*' || true
    ls -A "$PINS" "$PINS-new" "$PINS-old" 2>/dev/null || true
    grep -s timensbpf /sys/kernel/tracing/kprobe_events || true
}

nothing_is_loaded() { [[ -z $(kernel_objects) && ! -e $PINS ]]; }
