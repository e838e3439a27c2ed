# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# No start is missed while a loader lives: what the files that test it share
# (starts.bats, starts_one_cpu.bats, beside-host/starts.bats). Each start is checked
# at every way to find the vDSO (exec_ways).
#
# TIMENSBPF_STORM_EXECS: starts in a case. 10,000, say, by hand.

EXECS=${TIMENSBPF_STORM_EXECS:-320}
WAYS=/usr/local/lib/timensbpf/probes/exec_ways
BUSY=()
# How long a program lives is up to what else wants the CPUs: fast_storm bounds it.
# shellcheck disable=SC2034 # for storm_was_good
LONGEST_US=600000000

# slow_starts: by the figures, of any reason
slow_starts() {
    timensbpf show --json | python3 -c '
import json, sys
print(sum(f["value"] for f in json.load(sys.stdin)["figures"]
          if f["name"].startswith("start_slow.")))'
}

# starts STREAMS EXECS: all are fast and right, and no parent saw one stopped.
starts() {
    local before
    before=$(slow_starts)
    storm "$1" "$2" "$WAYS" 2>"$STORM.why" || true
    starts_were_good "$before" "$1 of $2" && storm_was_good "$2" "$2"
}

# starts_were_good SLOW_BEFORE TITLE: of the storm that has ended
starts_were_good() {
    local after json
    after=$(slow_starts)
    json=$(<"$STORM")
    tell "$2 beside: $json"
    head -n 20 "$STORM.why"
    timensbpf show --figures | grep -E '^ *(start|loader)' || true
    (($(number fast "$json"))) || return
    [[ $(number slow "$json") == 0 && $(number wrong "$json") == 0 ]] || return
    [[ $(number stopped "$json") == 0 ]] || return
    ((after == $1)) || fail "$((after - $1)) counted as slow"
}

# busy_begin PER_CPU: so many processes a CPU that never sleep
busy_begin() {
    local i
    for ((i = 0; i < $1 * $(nproc); i++)); do
        bash -c 'while :; do :; done' 3>&- &
        BUSY+=("$!")
    done
}

busy_end() {
    ((${#BUSY[@]})) || return 0
    kill -KILL "${BUSY[@]}"
    BUSY=()
}

# starts_in_a_share: the rule has a fifth of a CPU, so that threads that wait in the
# kernel are throttled there.
starts_in_a_share() {
    echo +cpu >"$CGROUPS/cgroup.subtree_control"
    echo "20000 100000" >"$CGROUP/cpu.max"
    starts 8 $((EXECS / 4))
}

# starts_beside_real_time: threads of a higher priority than the loader's have all CPUs
# for three seconds, but for the part that the kernel keeps for normal threads.
starts_beside_real_time() {
    local before cpu storming hogs=()
    before=$(slow_starts)
    storm 8 1000000 "$WAYS" 2>"$STORM.why" 3>&- &
    storming=$!
    wait_until 30 pgrep -x exec_storm >/dev/null
    for ((cpu = 0; cpu < $(nproc); cpu++)); do
        chrt --fifo 51 timeout 3 chrt --fifo 50 taskset --cpu-list "$cpu" \
            bash -c 'while :; do :; done' 3>&- &
        hogs+=("$!")
    done
    wait "${hogs[@]}" || true
    pkill -TERM -x exec_storm
    wait "$storming"
    starts_were_good "$before" 8
}

# starts_delayed MILLISECONDS: the loader comes so late to each
starts_delayed() {
    local status=0
    daemon_stop
    TIMENSBPF_TEST_DELAY_MS=$1 daemon_start
    starts 1 $((EXECS / 32)) && starts 8 $((EXECS / 4)) || status=1
    daemon_stop
    daemon_start
    return "$status"
}
