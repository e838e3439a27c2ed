#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/run.sh [KERNEL…]
#   Builds, runs the unit tests on the host and all guest tests on every kernel
#   of the test bed (or on those named). As root; sets up all it needs. Ends
#   with the line "N passed, N failed, N skipped".
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
# a minute: who has not reported by then has failed.
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

# Its own lines: one a check.
model_checks()
{
	local log=$LOGS/model.log status=0 good bad

	"$ROOT/tests/model/run" >"$log" 2>&1 || status=$?
	good=$(grep -c '^ok: ' "$log")
	bad=$(grep -c '^not ok: ' "$log")
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$bad" -eq 0 ] || cat "$log"
	echo "$good passed, $bad failed"
	count "$good" "$bad" 0
}

# Add up a guest's TAP. What the plan promised and nobody reported has failed.
count_tap()
{
	local log=$1 status=$2 plan good bad skips

	plan=$(sed -n 's/^1\.\.\([0-9]*\)\r\?$/\1/p' "$log" | tail -n 1)
	skips=$(grep -cE '^ok [0-9]+ .*# skip' "$log")
	good=$(($(grep -cE '^ok [0-9]+ ' "$log") - skips))
	bad=$((${plan:-1} - good - skips))
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	grep -E '^(not ok|#)|# skip' "$log"
	echo "$good passed, $bad failed, $skips skipped"
	count "$good" "$bad" "$skips"
}

# Guests at once: bats keeps about one CPU of a guest busy.
GUESTS=2
jobs=()

# What the command does with pins and files differs by the way to attach, not by
# kernel: one of each (6.1: fexit, latest: session), or those named, to stay
# within the hour. They load the programs often, which takes seconds in a guest.
COMMAND_FILES=" commands kill lifecycle wrong_input "
COMMAND_KERNELS=" 6.1 latest "

# files_of KERNEL DIRECTORY: its bats files, in the guest
files_of()
{
	local path name

	for path in "$ROOT/tests/guest/$2"/*.bats; do
		name=$(basename "$path" .bats)
		[[ $2 == . && $COMMAND_FILES == *" $name "* &&
			$COMMAND_KERNELS != *" $1 "* ]] ||
			echo "$GUEST_TESTS/$2/$name.bats"
	done
}

# guest_tests KERNEL DIRECTORY [OPTION of tests/vm/run…]: in the background,
# the results are counted by report_guests.
guest_tests()
{
	local kernel=$1 directory=$2 log files

	shift 2
	mapfile -t files < <(files_of "$kernel" "$directory")
	while [ "$(jobs -rp | wc -l)" -ge "$GUESTS" ]; do
		wait -n
	done
	log=$LOGS/$kernel-${directory//\//-}
	jobs+=("$log")
	section "guest $kernel, $directory: begins"
	{
		status=0
		"$ROOT/tests/vm/run" --kernel "$kernel" --timeout 2400 "$@" -- \
			bats --tap "${files[@]}" \
			>"$log.tap" 2>&1 || status=$?
		echo "$status" >"$log.status"
	} &
}

report_guests()
{
	local log

	wait
	for log in "${jobs[@]}"; do
		section "guest ${log##*/}"
		count_tap "$log.tap" "$(cat "$log.status")"
	done
}

set -e
install_packages
mkdir -p "$LOGS"
section "build"
build asan | tail -n 1
build release | tail -n 1
set +e

section "checks"
check "clang-format" check_format
check "shellcheck" check_scripts
check "public header" check_public_header
section "unit tests, ASan and UBSan"
unit_tests
section "fuzz tests of parsers, ASan and UBSan"
fuzz_tests
section "model of the deadline protocol"
model_checks

mapfile -t kernels < <("$ROOT/tests/vm/run" --list)
[ $# -eq 0 ] || kernels=("$@") COMMAND_KERNELS=" $* "
section "kernels: ${kernels[*]}"
"$ROOT/tests/vm/run" --prepare "${kernels[@]}"
for kernel in "${kernels[@]}"; do
	# The legacy page is there only if asked for on some kernels.
	guest_tests "$kernel" . --append vsyscall=xonly
done
# How the kernel was booted decides here, not which it is.
guest_tests 6.1 boot-lockdown --append lockdown=integrity
guest_tests 6.1 boot-no-lsm --append lsm=landlock,lockdown,yama

report_guests

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
