# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# time(2) and times(2) by raw system call: what the files that test it share
# (calls.bats, calls_one_cpu.bats).

# setup_file of both: what the values are outside, for raw_calls and raw_calls32
calls_begin_file() {
    file_begin_served
    raw_calls 1 1 >"$BATS_FILE_TMPDIR/base"
}
calls_base() { number base "$(<"$BATS_FILE_TMPDIR/base")"; }

# Calls that returned the host's value, as far as the figures tell: those that no loader
# completed, and those for which a program was skipped (on preemptible kernels, where
# another thread is held in it on the same CPU).
lost() {
    timensbpf show --json | python3 -c '
import json, sys
print(sum(f["value"] for f in json.load(sys.stdin)["figures"]
          if f["name"] == "call_lost" or f["name"].startswith("missed.")))'
}

# in_rounds COMMAND…: until it is true. A loader that gets no CPU comes too late for a
# call, so they are made anew until the machine has time. The command sets $WRONG to 0
# where being late explains all.
in_rounds() {
    local round
    for round in {1..30}; do
        WRONG=1
        ! "$@" || return 0
        ((WRONG == 0)) || return
    done
    fail "not completed in $round rounds"
}

# calls_were_counted JSON LOST: what was the host's is counted, after $LOST before. So is
# a call over which the loader died: its result and what it stored may differ.
calls_were_counted() {
    local now
    now=$(lost)
    echo "$1, lost $((now - $2))"
    (($(number host "$1") + $(number wrong "$1") <= now - $2))
}
