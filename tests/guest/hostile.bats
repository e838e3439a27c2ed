# SPDX-License-Identifier: GPL-2.0-or-later
# What an ordinary user in a rule tries to get from the loader, which works in the
# user's processes (docs/security.md).
#
# TIMENSBPF_ATTACKS: how often each is tried (100; 1,000 by hand).
# TIMENSBPF_STRIDE: of the steps of a change every so many-th (10; 1 by hand).
#
# Kernels: every version (6.12-preempt stands for 6.12).
# bats file_tags=kernel:6-1,kernel:latest,kernel:6-12-preempt

load helpers

ATTACKS=${TIMENSBPF_ATTACKS:-100}

setup_file() { file_begin_served; }
teardown_file() { file_end_served; }

setup() {
    rule_make
    FILE=$BATS_TEST_TMPDIR/attack
}
teardown() { test_end; }

# attack KIND ARGUMENT…: as nobody in the rule; its line of JSON in $JSON
attack() {
    in_cgroup "$CGROUP" setpriv --reuid 65534 --regid 65534 --clear-groups \
        attack "$@" >"$FILE"
    JSON=$(<"$FILE")
    tell "$JSON"
    [[ $(number tries "$JSON") == "$ATTACKS" ]]
}

@test "no seccomp filter is left by what the loader has a process run" {
    local open
    # Its path has to be short.
    open=$(mktemp -d /tmp/XXXX)
    chmod 777 "$open"
    attack filter "$ATTACKS" "$open"
    [[ $(number made "$JSON") == 0 ]]
    rmdir "$open"
}

@test "the descriptor of a clock page is good for that page alone, and for reading" {
    attack descriptor "$ATTACKS"
    # Else the test shows nothing.
    (($(number taken "$JSON") > 0))
    [[ $(number written "$JSON") == 0 && $(number more "$JSON") == 0 ]]
}

# All steps by hand: TIMENSBPF_STRIDE=1.
@test "whatever is done to a process at a step of its change, it lives and is let go of" {
    TIMENSBPF_STRIDE=${TIMENSBPF_STRIDE:-10} hostile_steps >"$FILE" || fail "$(<"$FILE")"
    tell "$(tail -n 1 "$FILE")"
}
