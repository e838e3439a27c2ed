# SPDX-License-Identifier: GPL-2.0-or-later
# The fast path: programs that start in a rule read their clock by the
# replacement vDSO. What can read it under no_clock_calls, reads it fast.

load helpers

setup_file() {
    file_begin
    daemon_start
}
teardown_file() {
    daemon_stop
    file_end
}

setup() {
    cgroup_make "$BATS_TEST_NUMBER"
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    FILE=$BATS_TEST_TMPDIR/readings
}
teardown() { cgroups_remove; }

FAST_VARIANTS=(dynamic static musl go)

# fast_doors FILE PREFIX: all doors but system calls are there and right
fast_doors() {
    expect_doors "$1" "$2libc-(clock_gettime-(real|mono|boot|tai).*|gettimeofday|time)" \
        "${OFFSETS[@]}" || return
    # PR_GET_AUXV came with 6.4.
    expect_doors "$1" "$2vdso-(getauxval|stack|proc-auxv|mapping)-.*" "${OFFSETS[@]}" || return
    grep -q "^$2vdso-prctl-auxv.* absent" "$1" ||
        expect_doors "$1" "$2vdso-prctl-auxv-.*" "${OFFSETS[@]}"
}

# prefixed PREFIX COMMAND…: in the rule, without clock calls
prefixed() {
    local prefix=$1
    shift
    in_cgroup "$CGROUP" no_clock_calls "$@" --reference "$REFERENCE" --prefix "$prefix"
}

@test "every kind of program reads by the image, from the first instruction on" {
    local variant
    for variant in "${FAST_VARIANTS[@]}"; do
        prefixed "$variant" "read_clocks-$variant" >"$FILE.$variant"
        fast_doors "$FILE.$variant" "$variant/"
    done
}

@test "system calls stay right beside it" {
    local variant
    for variant in "${VARIANTS[@]}"; do
        in_cgroup "$CGROUP" "read_clocks-$variant" --reference "$REFERENCE" \
            --prefix "$variant" >"$FILE"
        expect_doors "$FILE" "$variant/raw-clock.*" "${OFFSETS[@]}"
    done
}

@test "show tells who is fast" {
    in_cgroup "$CGROUP" sleep 1000 3>&- &
    wait_until 10 shows_fast sleep
    timensbpf show | grep -E '^  process   [0-9]+ sleep: fast$'
}
shows_fast() { timensbpf show --json | grep -A3 "\"$1\"" | grep -q '"fast"'; }
