# SPDX-License-Identifier: GPL-2.0-or-later
# Door F: the life of a process, from its first instruction on.
#
# Kernels: one, and 6.1-ei, where other programs can be attached than on 6.1.
# One CPU: it does one thing after the other.
# bats file_tags=kernel:6-12,kernel:6-1-ei,one-cpu

load helpers

setup_file() { file_begin; }
teardown_file() { file_end; }

setup() {
    rule_make
    FILE=$BATS_TEST_TMPDIR/readings
}

teardown() { test_end; }

QUICK=(--quick --reference)

@test "fork, vfork, clone, thread, posix_spawn" {
    local birth
    in_cgroup "$CGROUP" life --reference "$REFERENCE" births >"$FILE"
    for birth in fork vfork clone thread posix_spawn; do
        expect_doors "$FILE" "$birth/.*" "${OFFSETS[@]}"
        [[ $(grep -c "^$birth/" "$FILE") == 8 ]]
    done
}

@test "a chain of execs through all kinds of programs" {
    local chain=() variant
    for variant in "${VARIANTS[@]}" dynamic go static32; do
        chain+=(--exec "/usr/local/lib/timensbpf/probes/read_clocks-$variant" "${QUICK[@]}"
            "$REFERENCE" --prefix "$variant")
    done
    in_cgroup "$CGROUP" "${chain[@]:1}" >"$FILE"
    for variant in "${VARIANTS[@]}"; do
        expect_doors "$FILE" "$variant/.*" "${OFFSETS[@]}"
    done
}

@test "the auxiliary vector loses the vDSO and nothing else" {
    auxv_dump >"$BATS_TEST_TMPDIR/outside"
    in_cgroup "$CGROUP" auxv_dump >"$BATS_TEST_TMPDIR/inside"
    grep -q 'sysinfo_ehdr present' "$BATS_TEST_TMPDIR/outside"
    diff <(sed -e 's/^type 33$/type 1/' -e s/present/absent/ "$BATS_TEST_TMPDIR/outside") \
        "$BATS_TEST_TMPDIR/inside"
}

@test "many arguments and a large environment" {
    local words
    words=$(printf 'w%s ' {1..3000})
    # shellcheck disable=SC2086
    in_cgroup "$CGROUP" env BIG="$words" A= B=1 bash -c 'exec "$0" "$@"' auxv_dump $words >"$FILE"
    grep -q 'sysinfo_ehdr absent' "$FILE"
}

@test "a script and its interpreter" {
    printf '#!/bin/sh\nexec read_clocks-static --quick --reference "$1"\n' >"$BATS_TEST_TMPDIR/script"
    chmod +x "$BATS_TEST_TMPDIR/script"
    in_cgroup "$CGROUP" "$BATS_TEST_TMPDIR/script" "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "${OFFSETS[@]}"
}

@test "setuid and non-dumpable programs" {
    local dir=/tmp/$OWN variant
    mkdir -m 755 "$dir"
    for variant in dynamic static static32; do
        install -m 4755 "$(type -P read_clocks-$variant)" "$dir/setuid-$variant"
        # A process that may not read its program may not be dumped.
        install -m 711 "$(type -P read_clocks-$variant)" "$dir/secret-$variant"
        in_cgroup "$CGROUP" setpriv --reuid 65534 --regid 65534 --clear-groups \
            "$dir/setuid-$variant" "${QUICK[@]}" "$REFERENCE" --prefix "setuid-$variant" \
            --exec "$dir/secret-$variant" "${QUICK[@]}" "$REFERENCE" --prefix "root-$variant"
        in_cgroup "$CGROUP" setpriv --reuid 65534 --regid 65534 --clear-groups \
            "$dir/secret-$variant" "${QUICK[@]}" "$REFERENCE" --prefix "secret-$variant"
    done >"$FILE"
    rm -r "$dir"
    for variant in dynamic static static32; do
        expect_doors "$FILE" "setuid-$variant/.*" "${OFFSETS[@]}"
        expect_doors "$FILE" "root-$variant/.*" "${OFFSETS[@]}"
        expect_doors "$FILE" "secret-$variant/.*" "${OFFSETS[@]}"
    done
}

@test "born in the cgroup by CLONE_INTO_CGROUP" {
    life --reference "$REFERENCE" clone_into "$CGROUP" \
        read_clocks-dynamic "${QUICK[@]}" "$REFERENCE" --prefix exec >"$FILE"
    # Its memory, with the vDSO known to its C library, is a copy of a process
    # outside.
    expect_doors "$FILE" 'clone_into/raw-.*' "${OFFSETS[@]}"
    expect_doors "$FILE" 'exec/.*' "${OFFSETS[@]}"
}

@test "traced by strace" {
    in_cgroup "$CGROUP" strace -f -o /dev/null \
        read_clocks-dynamic "${QUICK[@]}" "$REFERENCE" >"$FILE"
    expect_doors "$FILE" '.*' "${OFFSETS[@]}"
}

@test "under a seccomp filter" {
    in_cgroup "$CGROUP" life --reference "$REFERENCE" seccomp >"$FILE"
    expect_doors "$FILE" 'seccomp/.*' "${OFFSETS[@]}"
}

@test "programs started are counted, and none is missed" {
    local before after failed missed
    before=$(figure exec_hidden) failed=$(figure exec_failed) missed=$(figure missed.exec)
    in_cgroup "$CGROUP" env env true
    after=$(figure exec_hidden)
    # Bash's exec of env is one of them.
    ((after - before == 3)) || fail "hidden: $before, then $after"
    [[ $(figure exec_failed) == "$failed" && $(figure missed.exec) == "$missed" ]]
}

@test "run is killed, its process keeps its time" {
    serve_start timensbpf run "${CLOCKS[@]}" --name "$OWN" --
    serve first
    kill -KILL "$SERVER"
    serve second
    expect_doors "$SERVED" 'first/.*|second/.*' "${OFFSETS[@]}"
    serve_stop
}
