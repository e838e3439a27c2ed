# SPDX-License-Identifier: GPL-2.0-or-later
# As calls.bats, where the loader has no CPU of its own.
#
# Kernels: the two ways to attach.
# bats file_tags=kernel:6-1,kernel:latest,own-time

load helpers
load calls

setup_file() { calls_begin_file; }
teardown_file() { file_end_served; }

setup() { rule_make; }
teardown() { test_end; }

# completed NAME THREADS CALLS: what is the host's of raw_calls or raw_calls32 is
# counted, and most are not, sooner or later: the kernel keeps threads of real-time
# priority from the CPU for as long as a machine stood still in one of them.
completed() { in_rounds complete_once "$@"; }
complete_once() {
    local json before
    before=$(lost)
    json=$(in_cgroup "$CGROUP" "$@" "$(calls_base)")
    calls_were_counted "$json" "$before" || return
    [[ $(number wrong "$json") == 0 ]] || return
    WRONG=0
    (($(number host "$json") * 2 <= $(number calls "$json")))
}

@test "one thread, 64-bit and 32-bit" {
    completed raw_calls 1 100
    completed raw_calls32 1 100
}

@test "8 threads" { completed raw_calls 8 50; }

# bats test_tags=once
@test "beside busy loops" {
    local i busy=()
    for ((i = 0; i < 4; i++)); do
        sh -c 'while :; do :; done' 3>&- &
        busy+=("$!")
    done
    completed raw_calls 2 10
    kill "${busy[@]}"
}

@test "the vsyscall page: time" {
    local variant
    grep -q vsyscall /proc/self/maps || skip 'no vsyscall page: boot with vsyscall=xonly'
    for variant in dynamic static musl; do
        read_at "$variant" in_cgroup "$CGROUP" "read_clocks-$variant" --reference "$REFERENCE"
        expect_doors "$BATS_FILE_TMPDIR/$variant" 'vsyscall-time' "${OFFSETS[@]}"
    done
}
