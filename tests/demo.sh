#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows timensbpf at work in a guest with Debian 12's kernel. As root; sets up
# all it needs.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/lib/setup.sh
. "$ROOT/tests/lib/setup.sh"

# Runs in the guest: its own text is not expanded here.
# shellcheck disable=SC2016
SHOW='
say() { printf "\n\033[1m%s\033[0m\n" "$*"; }
try() { say "# $*"; "$@"; }
try uname -r
try date
try timensbpf run --realtime +3d -- date
try date
say "# date is a dynamic program; a static C program and a static Go program in 2038"
say "# (door, seconds.nanoseconds, what the call returned)"
clock_reference /tmp/reference &
until [ -S /tmp/reference ]; do :; done
timensbpf run --realtime "2038-01-19 03:14:00Z" -- sh -c "
	date
	for kind in static go; do
		echo \"\$kind:\"
		read_clocks-\$kind --quick --reference /tmp/reference | head -n 3
	done"
say "# a shell and what it starts, and what the host sees of them"
mkdir /sys/fs/cgroup/demo
timensbpf set --cgroup /sys/fs/cgroup/demo --realtime "2000-01-01 00:00:00Z"
timensbpf enter --cgroup /sys/fs/cgroup/demo -- sh -c "date; sleep infinity" &
until grep -q 2 <(wc -w </sys/fs/cgroup/demo/cgroup.procs); do :; done
try timensbpf show
say "# a process with four threads that runs already: REALTIME in ns, before, inside, after"
mkfifo /tmp/asked
live_threads 4 </tmp/asked & running=$!
exec 9>/tmp/asked
mkdir /sys/fs/cgroup/running
echo "$running" >/sys/fs/cgroup/running/cgroup.procs
echo where >&9
try timensbpf set --cgroup /sys/fs/cgroup/running --realtime +1y
echo where >&9
try timensbpf show
try timensbpf unset --cgroup /sys/fs/cgroup/running
echo where >&9
exec 9>&-
wait "$running"
say "# with the loader, no system call is made for the clock: this one forbids them"
timensbpfd -f 2>/tmp/daemon &
until grep -q serves /tmp/daemon; do :; done
try timensbpf enter --cgroup /sys/fs/cgroup/demo -- no_clock_calls date
say "# the host clock cannot be set from inside"
timensbpf enter --cgroup /sys/fs/cgroup/demo -- date -s 12:00 || true
echo 1 >/sys/fs/cgroup/demo/cgroup.kill
try date
kill "$!"
try timensbpf unload
'

echo "Sets up what is missing, builds and boots: 10 minutes the first time, then one."
install_packages
build dev "3 minutes with two CPUs"
echo "-- booting a guest (half a minute; the first time, its kernel and its files are"
echo "   fetched, which takes two minutes more)"
exec "$ROOT/tests/vm/run" --kernel 6.1 -- bash -c "$SHOW"
