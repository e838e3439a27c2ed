# SPDX-License-Identifier: GPL-2.0-or-later
# Waits until a time that are interrupted and restarted keep their deadline.
#
# Kernels: one, the newest.
# bats file_tags=kernel:latest

load helpers

BACKWARD=(--realtime -1000.5s --monotonic -1.250000001s --boottime -1.500000003s)

setup_file() {
    local bits
    file_begin
    for bits in '' 32; do
        read_at "outside$bits" "deadline_restart$bits"
        read_at "forward$bits" timensbpf run "${CLOCKS[@]}" --name "$OWN" -- "deadline_restart$bits"
        read_at "backward$bits" timensbpf run "${BACKWARD[@]}" --name "$OWN" -- "deadline_restart$bits"
    done 2>>"$BATS_FILE_TMPDIR/stderr"
}

teardown_file() { file_end; }

# kept INTERRUPTION: by every door, 64 and 32 bit
kept() {
    local bits rule file lines failed=0
    for bits in '' 32; do
        for rule in outside forward backward; do
            file=$BATS_FILE_TMPDIR/$rule$bits
            lines=$(grep -E -- "-$1(:|$)" "$file")
            if [[ $lines != *'ok '* ]] || grep -v '^ok ' <<<"$lines"; then
                failed=1
                echo "in $rule$bits"
            fi
        done
    done
    ((!failed))
}

@test "not interrupted" { kept none; }

@test "by a signal" { kept signal; }

@test "by a stop" { kept stop; }

@test "by a tracer" { kept ptrace; }

@test "by the cgroup freezer" { kept freezer; }
