# SPDX-License-Identifier: GPL-2.0-or-later
# Door A: every way to read the clock, from every kind of program, without a
# loader (with one: fast.bats).
#
# Kernels: all. One CPU: it does one thing after the other.
# bats file_tags=one-cpu

load helpers

setup_file() {
    local variant
    file_begin
    rm -f /run/timensbpf.noted
    on_terminal 100 timensbpf run "${CLOCKS[@]}" --name "$OWN" -- true >"$BATS_FILE_TMPDIR/said"
    cgroup_make inside
    timensbpf set --cgroup "$CGROUP" "${CLOCKS[@]}"
    for variant in "${VARIANTS[@]}"; do
        read_at "outside-$variant" "read_clocks-$variant" --reference "$REFERENCE"
        read_at "inside-$variant" in_cgroup "$CGROUP" \
            "read_clocks-$variant" --reference "$REFERENCE"
    done
}

teardown_file() { file_end; }

# inside PATTERN VARIANT…: these doors show virtual time
inside() {
    local pattern=$1 variant failed=0
    shift
    for variant; do
        expect_doors "$BATS_FILE_TMPDIR/inside-$variant" "$pattern" "${OFFSETS[@]}" || failed=1
    done
    ((!failed))
}

# Not reached on this kernel without a loader (with one: calls.bats): reported,
# and truly the host's time.
host() {
    local key=$1 pattern=$2 variant
    shift 2
    [[ $(doctor_health "$key") == warn && $(doctor_text "$key") == *"HOST's time while no loader"* ]]
    for variant; do
        expect_doors "$BATS_FILE_TMPDIR/inside-$variant" "$pattern" "${HOST[@]}"
    done
}

# Known not to be reached on this kernel: reported, and truly the host's time.
gap() {
    local key=$1 pattern=$2 variant
    shift 2
    [[ $(doctor_health "$key") =~ ^(warn|note)$ && $(doctor_text "$key") == *"HOST's time"* ]]
    for variant; do
        expect_doors "$BATS_FILE_TMPDIR/inside-$variant" "$pattern" "${HOST[@]}"
    done
    skip "known gap: $(doctor_text "$key")"
}

@test "outside, every door shows the host's time" {
    local variant
    for variant in "${VARIANTS[@]}"; do
        expect_doors <(grep -Ev 'absent$|^works' "$BATS_FILE_TMPDIR/outside-$variant") \
            '.*' "${HOST[@]}"
    done
}

@test "clock_gettime, raw, every clock" {
    inside 'raw-clock_gettime-.*' "${VARIANTS[@]}"
}

@test "clock_gettime64 of 32-bit programs, raw, every clock" {
    inside 'raw-clock_gettime64-.*' static32
}

@test "clock_gettime of the C library and of Go's runtime" {
    inside 'libc-clock_gettime-.*' dynamic static musl static32
    inside 'libc-go-.*' go
}

@test "gettimeofday, raw, with and without a time zone, and with one that cannot be written" {
    inside 'raw-gettimeofday' "${VARIANTS[@]}"
    inside 'raw-gettimeofday-(no-)?zone' dynamic static musl static32
}

@test "gettimeofday of the C library" {
    inside 'libc-gettimeofday' "${VARIANTS[@]}"
}

@test "adjtimex and clock_adjtime with modes 0" {
    inside 'raw-adjtimex' "${VARIANTS[@]}"
    inside 'raw-clock_adjtime' dynamic static musl static32
    inside 'raw-clock_adjtime64' static32
}

@test "int 0x80 from 64-bit code: clock_gettime, 32-bit and 64-bit time" {
    inside 'int80-clock_gettime-.*' dynamic static musl
    inside 'int80-clock_gettime64-.*' dynamic static musl
}

@test "int 0x80 from 64-bit code: gettimeofday, adjtimex, clock_adjtime" {
    inside 'int80-gettimeofday' dynamic static musl
    inside 'int80-(adjtimex|clock_adjtime|clock_adjtime64)' dynamic static musl
}

@test "the vsyscall page: gettimeofday" {
    grep -q vsyscall /proc/self/maps || skip 'no vsyscall page: boot with vsyscall=xonly'
    inside 'vsyscall-gettimeofday' dynamic static musl
}

@test "the vsyscall page: time" {
    grep -q vsyscall /proc/self/maps || skip 'no vsyscall page: boot with vsyscall=xonly'
    if [[ $(doctor_health time-syscall) != ok ]]; then
        host time-syscall vsyscall-time dynamic static musl
    else
        inside 'vsyscall-time' dynamic static musl
    fi
}

@test "time, raw, with and without a pointer" {
    if [[ $(doctor_health time-syscall) != ok ]]; then
        host time-syscall 'raw-time|raw-time-pointer' dynamic static musl
        return
    fi
    inside 'raw-time' dynamic static musl go
    inside 'raw-time-pointer' dynamic static musl
}

@test "time of 32-bit calls, with and without a pointer" {
    if [[ $(doctor_health time-syscall-32) != ok ]]; then
        # In 64-bit programs these names are the 64-bit call.
        expect_doors "$BATS_FILE_TMPDIR/inside-static32" 'raw-time|raw-time-pointer' "${HOST[@]}"
        host time-syscall-32 'int80-time|int80-time-pointer' dynamic static musl
        return
    fi
    inside 'raw-time|raw-time-pointer' static32
    inside 'int80-time|int80-time-pointer' dynamic static musl
}

@test "time of glibc" {
    if [[ $(doctor_health time-syscall) != ok ]]; then
        host time-syscall libc-time dynamic static
    else
        inside libc-time dynamic static
    fi
}

@test "time of musl, and of glibc in 32-bit programs, which ask clock_gettime" {
    inside libc-time musl static32
}

@test "where the kernel allows errors to be injected, time(2) is reached" {
    local list=/sys/kernel/debug/error_injection/list
    [[ -r $list ]] || skip 'this kernel has no error injection'
    grep -q '^__x64_sys_time\b' "$list"
    [[ $(doctor_health time-syscall) == ok && $(doctor_health time-syscall-32) == ok ]]
}

@test "the vDSO cannot be found on the stack nor by getauxval" {
    local variant
    for variant in dynamic static musl static32; do
        expect_absent "$BATS_FILE_TMPDIR/inside-$variant" 'vdso-(getauxval|stack)-.*'
        expect_doors "$BATS_FILE_TMPDIR/outside-$variant" 'vdso-(getauxval|stack)-.*' "${HOST[@]}"
    done
}

@test "the vDSO found by /proc/self/auxv, PR_GET_AUXV or its mapping" {
    local ways='vdso-proc-auxv-.*|vdso-mapping-.*'
    if [[ $(doctor_health vdso-lookup) != ok ]]; then
        grep -q '^vdso-prctl-auxv-time absent' "$BATS_FILE_TMPDIR/inside-dynamic" ||
            ways+='|vdso-prctl-auxv-.*'
        gap vdso-lookup "$ways" dynamic static musl static32
    fi
    inside "$ways" dynamic static musl static32
}

@test "clock_getres, getcpu, getrandom and errors are as outside" {
    local variant
    for variant in dynamic static musl static32; do
        diff <(grep ^works "$BATS_FILE_TMPDIR/outside-$variant") \
            <(grep ^works "$BATS_FILE_TMPDIR/inside-$variant")
    done
}

@test "run says in one line what it cannot reach" {
    [[ $(wc -l <"$BATS_FILE_TMPDIR/said") == 1 ]]
    grep -q "^timensbpf: note: some times stay the host's here .*'timensbpf doctor'$" \
        "$BATS_FILE_TMPDIR/said"
}

@test "back in time, by less than a second and by days" {
    local offset ns
    for offset in -0.000001:-1000 -90s:-90000000000 -30d:-2592000000000000; do
        ns=${offset#*:}
        read_at back timensbpf run --realtime "${offset%:*}" --name "$OWN" -- \
            read_clocks-static --quick --reference "$REFERENCE"
        expect_doors "$BATS_FILE_TMPDIR/back" '.*' "$ns" 0 0
    done
}

@test "past 2038, 64-bit time is right in 32-bit programs" {
    local offset
    read_at after2038 timensbpf run --realtime +20y --name "$OWN" -- \
        read_clocks-static32 --reference "$REFERENCE"
    offset=$((20 * 365 * 86400 * 1000000000))
    expect_doors "$BATS_FILE_TMPDIR/after2038" 'raw-clock_gettime64-.*|raw-clock_adjtime64' "$offset" 0 0
}

@test "the offset of a date is exact to the moment of the command" {
    # shellcheck disable=SC2016
    run --separate-stderr timensbpf run --realtime '2038-01-19 03:14:00' --name "$OWN" -- \
        env TZ=UTC date +%F\ %R
    [[ $status == 0 && $output == "2038-01-19 03:14" ]]
}

@test "usual programs: date, bash, python" {
    local day
    day=$(date -u -d '+3 days' +%F)
    run --separate-stderr timensbpf run --realtime +3d --name "$OWN" -- \
        bash -c 'date -u +%F; python3 -c "import time; print(time.strftime(\"%F\", time.gmtime(time.time())))"'
    [[ $status == 0 ]]
    # A day may begin in between.
    [[ ${lines[0]} == "$day" || ${lines[0]} == $(date -u -d '+3 days' +%F) ]]
    [[ ${lines[1]} == "${lines[0]}" || ${lines[1]} == $(date -u -d '+3 days' +%F) ]]
}
