#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/run.sh [KERNEL…]
#   Builds, runs the unit tests on the host and the guest tests on every kernel
#   of the test bed, shared out (all of them on those named). As root; sets up
#   all it needs. Ends with the line "N passed, N failed, N skipped".
set -uo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/lib/setup.sh
. "$ROOT/tests/lib/setup.sh"

LOGS=$ROOT/build/test-logs
GUEST_TESTS=/usr/local/lib/timensbpf/tests/guest
passed=0 failed=0 skipped=0

section()
{
	printf '\n== %s (%s)\n' "$*" "$(date +%T)"
}

count()
{
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# check NAME COMMAND…: one test whose output matters only if it fails.
check()
{
	local name=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "ok: $name"
		count 1 0 0
	else
		printf '%s\nnot ok: %s\n' "$output" "$name"
		count 0 1 0
	fi
}

c_files()
{
	git -C "$ROOT" ls-files '*.c' '*.h' | sed "s#^#$ROOT/#"
}

check_format()
{
	c_files | xargs clang-format --dry-run -Werror
}

check_scripts()
{
	git -C "$ROOT" grep -lE '^#!.*(bash|/sh)' -- . ':!*.bats' |
		(cd "$ROOT" && xargs shellcheck -x)
}

# The public header by itself, in strict C and in C++.
check_public_header()
{
	echo '#include <timensbpf/timensbpf.h>' >"$LOGS/header.c"
	gcc -std=c17 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only \
		-D_POSIX_C_SOURCE=200809L -I "$ROOT/include" "$LOGS/header.c"
}

# cmocka's own counts, of all programs that ctest runs.
unit_tests()
{
	local log=$LOGS/unit.log good bad

	(cd "$ROOT" && ctest --test-dir build/asan -L unit -V) >"$log" 2>&1
	good=$(sed -n 's/^[0-9]*: \[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" |
		paste -sd+ | bc)
	bad=$(sed -n 's/^[0-9]*: \[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" |
		paste -sd+ | bc)
	grep -q '^100% tests passed' "$log" || [ "${bad:-0}" -gt 0 ] || bad=1
	[ "${bad:-0}" -eq 0 ] || cat "$log"
	echo "${good:-0} passed, ${bad:-0} failed"
	count "${good:-0}" "${bad:-0}" 0
}

# ctest's own counts: one a parser. They take seconds, and are stopped after half
# a minute: one that has not reported by then has failed.
fuzz_tests()
{
	local log=$LOGS/fuzz.log status=0 total good skips bad

	total=$(ctest --test-dir "$ROOT/build/asan" -L fuzz -N |
		sed -n 's/^Total Tests: //p')
	timeout 30 ctest --test-dir "$ROOT/build/asan" -L fuzz \
		--output-on-failure >"$log" 2>&1 || status=$?
	good=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$log")
	skips=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped ' "$log")
	bad=$((${total:-0} - good - skips))
	[ "${total:-0}" -gt 0 ] && [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] ||
		bad=1
	[ "$bad" -eq 0 ] || cat "$log"
	sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) .*\*\*\*Skipped .*/\1: skipped, no clang with libFuzzer/p' \
		"$log"
	echo "$good passed, $bad failed, $skips skipped"
	count "$good" "$bad" "$skips"
}

# lines_of NAME COMMAND…: each of its lines that begin with ok or not ok is a test.
lines_of()
{
	local log=$LOGS/$1.log status=0 good bad

	shift
	"$@" >"$log" 2>&1 || status=$?
	good=$(grep -c '^ok: ' "$log")
	bad=$(grep -c '^not ok: ' "$log")
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$bad" -eq 0 ] || cat "$log"
	echo "$good passed, $bad failed"
	count "$good" "$bad" 0
}

LAST_WORDS=60

# Add up a guest's TAP. What the plans promised and no guest reported has failed.
count_tap()
{
	local log=$1 status=$2 plan good bad skips

	plan=$(sed -n 's/^1\.\.\([0-9]*\)\r\?$/\1/p' "$log" | paste -sd+ | bc)
	skips=$(grep -cE '^ok [0-9]+ .*# skip' "$log")
	good=$(($(grep -cE '^ok [0-9]+ ' "$log") - skips))
	bad=$((${plan:-1} - good - skips))
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	grep -E '^(not ok|#)|# skip' "$log"
	# The guest's last words, if it did not come to the end.
	[ "$status" -lt 124 ] || tail -n "$LAST_WORDS" "$log"
	echo "$good passed, $bad failed, $skips skipped"
	count "$good" "$bad" "$skips"
}

# Which guests run a file is in its own head, as bats tags: kernel:KEY for each
# kernel, a dot in KEY written as a dash (none: all kernels), and one-cpu.
#
# To stay within the hour, doors are read on every kernel, and the rest is shared
# out: processes are made fast on every version (6.12 and 6.12-preempt are one,
# 6.1-ei differs from 6.1 in what can be attached); what depends on the way to
# attach, on 6.1 (fexit) and latest (session); many threads, by kind of
# preemption; what the command does with pins and files, on one.
# TIMENSBPF_TEST_ALL=1 tests everything everywhere, as naming kernels does there.
#
# one-cpu: a guest with one CPU, for what loads and unloads again and again. The
# emulator (QEMU 7.2) may go on executing an instruction that another CPU has
# replaced while it was being translated: with the breakpoints by which the kernel
# changes its code, 7.3 panicked ("Oops: int3") and 6.1 hung, once each, in an
# unload. What asks for one thing after the other needs no more than one either.
#
# own-time: one CPU as well, in a guest that nothing else of the machine's is run
# before, as that of a guest with more. Its CPU would stand still for longer than a
# thread is held.

# Of files that run everywhere, tests with the tag "once" (their subject is our
# code, whatever the kernel) run on this kernel alone: the one that boots and
# runs fastest here.
ONCE_ON=6.1

# tags_of KERNEL: which tests run there, by tag, as `bats --filter-tags` has it
tags_of()
{
	[[ ${TIMENSBPF_TEST_ALL-} || $1 == "$ONCE_ON" ]] || echo '!once'
}

# file_tags PATH: the tags of a bats file, one a line
file_tags()
{
	sed -n 's/^# bats file_tags=//p' "$1" | tr ',' '\n'
}

# runs_on KERNEL TAGS: is a file with these tags for that kernel?
runs_on()
{
	[[ ${TIMENSBPF_TEST_ALL-} ]] || ! grep -q '^kernel:' <<<"$2" ||
		grep -qxF "kernel:${1//./-}" <<<"$2"
}

# files_of KERNEL DIRECTORY: its bats files, in the guest. "one-cpu" and "own-time"
# have those of the main one that are to run there.
files_of()
{
	local path tags there directory=$2

	case $2 in
	one-cpu | own-time) directory=. ;;
	esac

	for path in "$ROOT/tests/guest/$directory"/*.bats; do
		if [[ $directory == . ]]; then
			tags=$(file_tags "$path") there=.
			! grep -qx one-cpu <<<"$tags" || there=one-cpu
			! grep -qx own-time <<<"$tags" || there=own-time
			[[ $there == "$2" ]] || continue
			runs_on "$1" "$tags" || continue
		fi
		echo "$GUEST_TESTS/$directory/$(basename "$path")"
	done
}

log_of() { echo "$LOGS/$1-${2/#./main}"; }

# What is said about one-cpu, seen from within: one CPU waits for ever in
# text_poke() for the other, or executes a breakpoint that is no longer there. Any
# other end of a guest is a failure of ours.
is_emulators_fault()
{
	[ "$2" -eq 125 ] || return
	grep -q 'Oops: int3' "$1" ||
		{ grep -q 'soft lockup' "$1" && grep -q 'text_poke' "$1"; }
}

# The log up to the last test file that has reported.
completed()
{
	tac "$1" | sed -n '/^# [a-z_]*\.bats: [0-9]* s/,$p' | tac
}

# guest_tests KERNEL DIRECTORY [OPTION of tests/vm/run…]: the results are counted
# by report_guests.
guest_tests()
{
	local kernel=$1 directory=$2 log files status attempt begin=$SECONDS

	shift 2
	mapfile -t files < <(files_of "$kernel" "$directory")
	[ "${#files[@]}" -gt 0 ] || return 0
	log=$(log_of "$kernel" "$directory")
	section "guest $kernel, $directory: begins, ${#files[@]} files"
	: >"$log.tap"
	for attempt in first last; do
		status=0
		"$ROOT/tests/vm/run" --kernel "$kernel" --timeout 3600 "$@" -- \
			bash "$GUEST_TESTS/run.sh" "$(tags_of "$kernel")" \
			"${files[@]}" >"$log.attempt" 2>&1 || status=$?
		[ "$attempt" = first ] || break
		is_emulators_fault "$log.attempt" "$status" || break
		completed "$log.attempt" >"$log.tap"
		files=("${files[@]:$(grep -c '^# [a-z_]*\.bats: ' "$log.tap")}")
		echo "# the emulator hung in ${files[0]##*/}: on from there" >>"$log.tap"
	done
	cat "$log.attempt" >>"$log.tap"
	rm "$log.attempt"
	echo "$status" >"$log.status"
	echo "   guest $kernel, $directory: ended after $(minutes $((SECONDS - begin)))," \
		"$(grep -c '^ok ' "$log.tap") ok, $(grep -c '^not ok ' "$log.tap") not ok"
}

# Guests with two CPUs: one at a time. It keeps 1.25 of the machine's busy, and
# beside another, which makes nothing faster, its CPUs would stand still in turns,
# for longer than what waits for another CPU has time.
main_guests()
{
	local kernel

	for kernel; do
		# The legacy page is there only if asked for on some kernels.
		guest_tests "$kernel" . --append "vsyscall=xonly softlockup_panic=1"
		guest_tests "$kernel" own-time --append vsyscall=xonly --cpus 1
	done
	# What systemd starts is to be fast, which takes a CPU in time.
	guest_tests 6.1 boot-full --full
	# The loader comes late where the machine has no time for the guest.
	guest_tests 6.1 beside-host --beside $((2 * $(nproc)))
}

# begin_guest KERNEL DIRECTORY [OPTION…]: as guest_tests, beside one that began
# before
begun=0
begin_guest()
{
	[ "$begun" -lt 2 ] || wait -n
	guest_tests "$@" &
	begun=$((begun + 1))
}

# Guests with one CPU, in what the others leave.
one_cpu_guests()
{
	local kernel

	# How the kernel was booted decides here, not which it is.
	begin_guest 6.1 boot-lockdown --append lockdown=integrity
	begin_guest 6.1 boot-no-lsm --append lsm=landlock,lockdown,yama
	for kernel; do
		begin_guest "$kernel" one-cpu --append vsyscall=xonly --cpus 1
	done
	wait
}

# What needs no other CPU's attention: in the background, when nothing else wants
# a CPU. First what is still to be built, which the last ones wait for.
in_what_is_left()
{
	chrt --idle --pid 0 "$BASHPID"
	"$ROOT/tests/vm/run" --prepare "$@"
	one_cpu_guests "$@"
}

# A guest that never comes to report has failed.
expect_guest()
{
	local log

	[ -n "$(files_of "$@")" ] || return 0
	log=$(log_of "$@")
	: >"$log.tap"
	echo 1 >"$log.status"
}

expect_guests()
{
	local kernel

	for kernel; do
		expect_guest "$kernel" .
		expect_guest "$kernel" own-time
		expect_guest "$kernel" one-cpu
	done
	expect_guest 6.1 boot-full
	expect_guest 6.1 beside-host
	expect_guest 6.1 boot-lockdown
	expect_guest 6.1 boot-no-lsm
}

# all_guests KERNEL…: what is still to be built comes last.
all_guests()
{
	expect_guests "$@"
	in_what_is_left "$@" &
	main_guests "$@"
	wait
}

# Kernels, those that have to be built last
sorted_kernels()
{
	printf '%s\n' "$@" | sed 's/.*-ei$/1 &/; t; s/^/0 /' |
		sort --stable -k 1,1 | cut -d' ' -f2
}

report_guests()
{
	local log

	for log in "$LOGS"/*.tap; do
		log=${log%.tap}
		section "guest ${log##*/}"
		count_tap "$log.tap" "$(cat "$log.status" || echo 1)"
	done
}

set -e
section "packages"
install_packages
mkdir -p "$LOGS"
rm -f "$LOGS"/*.tap "$LOGS"/*.status
section "build"
build asan "3 minutes with two CPUs"
build dev "3 minutes with two CPUs"
set +e

section "checks"
check "clang-format" check_format
check "shellcheck" check_scripts
check "public header" check_public_header
lines_of check "$ROOT/tests/check/run"
section "unit tests, ASan and UBSan: half a minute"
unit_tests
section "fuzz tests of parsers, ASan and UBSan"
fuzz_tests
section "models of deadlines and holds: a minute"
lines_of model "$ROOT/tests/model/run"

if [ $# -eq 0 ]; then
	mapfile -t kernels < <("$ROOT/tests/vm/run" --list)
else
	kernels=("$@") TIMENSBPF_TEST_ALL=1
fi
mapfile -t kernels < <(sorted_kernels "${kernels[@]}")
section "kernels: ${kernels[*]}; guests take 50 minutes with two CPUs"
all_guests "${kernels[@]}"
report_guests

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
