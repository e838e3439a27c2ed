# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# One guest: starts qemu and what belongs to it, waits, tells how it ended.

# A guest comes up within some seconds of CPU time. One that did not in BOOT_LIMIT
# seconds, and had less than BOOT_CPU of it, is starved by others, as one with the
# priority "idle" can be: it is waited for until BOOT_PATIENCE is over.
readonly BOOT_LIMIT=120 BOOT_CPU=40 BOOT_PATIENCE=900

# Processes to end with the guest, and those that end by themselves after it.
CHILDREN=() PUMPS=()

# guest_run KEY COMMAND…: the exit status is COMMAND's, 124 past the time
# limit, 125 for a failure of the guest. Under emulation one boot in a hundred
# or so fails: nothing of COMMAND has run then, so it may be tried again.
guest_run() {
    local status
    guest_attempt "$@"
    status=$?
    if ((status == 125)) && ! guest_came_up "$TMP/guest"; then
        note 'second and last attempt'
        guest_attempt "$@"
        status=$?
    fi
    return "$status"
}

guest_came_up() { [[ -s $1/control ]]; }

guest_attempt() {
    local key=$1 work=$TMP/guest
    shift
    KERNEL=$(cache_lookup "$(kernel_name "$key")") || die "no kernel $key"
    rm -rf "$work"
    mkdir -p "$work/tree"
    overlay_make "$work/tree" || die 'cannot install the build'
    overlay_job "$work/tree" "$@"
    guest_initrd "$work" || die 'cannot make the initramfs'
    if [[ $SHARE ]]; then share_start "$work"; fi
    qemu_start "$key" "$work"
    busy_start "$BESIDE"
    guest_wait "$work"
}

guest_initrd() {
    local image dir archives=()
    for image in "${IMAGES[@]}"; do
        dir=$(cache_lookup "$(image_name "$image")") || return
        archives+=("$dir/root.cpio")
    done
    (cd "$1/tree" && find . -mindepth 1 | sed 's|^\./||' | cpio_make) >"$1/overlay.cpio" &&
        cat "${archives[@]}" "$KERNEL/modules.cpio" "$1/overlay.cpio" >"$1/initrd"
}

share_daemon() {
    local daemon
    for daemon in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
        [[ -x $daemon ]] && printf '%s\n' "$daemon" && return
    done
    die 'virtiofsd is missing (Debian package qemu-system-common or virtiofsd)'
}

# child_start COMMAND…: it does not outlive run, whatever ends that.
child_start() {
    setpriv --pdeathsig KILL "$@" </dev/null &
    CHILDREN+=("$!")
}

share_start() {
    local work=$1 tries daemon
    daemon=$(share_daemon) || exit
    child_start "$daemon" --socket-path="$work/share.sock" -o "source=$SHARE" \
        -o cache=auto >"$work/share.log" 2>&1
    for ((tries = 0; tries < 100; tries++)); do
        [[ -S $work/share.sock ]] && return
        kill -0 "$!" 2>/dev/null || break
        sleep 0.05
    done
    cat "$work/share.log" >&2
    die 'virtiofsd did not start'
}

qemu_start() {
    local key=$1 work=$2 port
    local qemu=(qemu-system-x86_64 -M q35 -accel "tcg,thread=multi"
        -cpu "$(kernel_cpu "$key")" -smp "$CPUS" -m "$MEMORY"
        -nodefaults -no-user-config -display none -no-reboot -rtc base=utc
        -kernel "$KERNEL/vmlinux" -initrd "$work/initrd"
        -append "$(guest_arguments "$key")"
        -serial "file:$work/console" -device virtio-serial-pci)
    : >"$work/control"
    qemu_port 1 "$work/control"
    for port in 2 3; do
        mkfifo "$work/port$port"
        cat "$work/port$port" >&"$((port - 1))" &
        PUMPS+=("$!")
        qemu_port "$port" "$work/port$port"
    done
    if [[ $SHARE ]]; then qemu_share "$work/share.sock"; fi
    child_start "${qemu[@]}" >"$work/qemu.log" 2>&1
    QEMU=$!
}

qemu_port() {
    qemu+=(-chardev "file,id=p$1,path=$2"
        -device "virtserialport,chardev=p$1,nr=$1")
}

# The daemon on the host needs to see the guest's memory.
qemu_share() {
    qemu+=(-object "memory-backend-memfd,id=mem,share=on,size=$MEMORY"
        -numa "node,memdev=mem"
        -chardev "socket,id=share,path=$1"
        -device "vhost-user-fs-pci,chardev=share,tag=share")
}

# The guest's time stamp counter is this machine's. Its kernel would find out the
# rate by a timer of the emulator: one that had no CPU meanwhile has a clock that is
# twenty times too fast from then on, and time limits that are over at once.
guest_tsc() {
    local probe=${TIMENSBPF_BUILD_DIR:-$REPO/build/dev}/tests/probes/tsc_khz
    if [[ -x $probe ]]; then echo "tsc_early_khz=$("$probe")"; fi
}

# What comes last overrides: the caller's arguments.
guest_arguments() {
    echo "console=ttyS0 loglevel=5 panic=-1 oops=panic tsc=reliable" \
        "$(guest_tsc) cryptomgr.notests init_on_alloc=0" \
        "lsm=landlock,lockdown,yama,bpf" "$(kernel_arguments "$1")" "$APPEND"
}

# busy_start N: they end with the guest.
busy_start() {
    local i
    for ((i = 0; i < $1; i++)); do
        child_start bash -c 'while :; do :; done' >/dev/null 2>&1
    done
}

# guest_wait WORK: until qemu ends, or must be ended.
guest_wait() {
    local work=$1 limit boot ended status waiting begin=$SECONDS
    timer_start "$TIMEOUT"; limit=$!
    timer_start "$BOOT_LIMIT"; boot=$!
    waiting=("$QEMU" "$limit" "$boot" "${PUMPS[@]}")
    while :; do
        wait -n -p ended "${waiting[@]}"
        status=$?
        case $ended in
        "$QEMU") break ;;
        "$limit")
            guest_end "$work"
            note "the guest was stopped: time limit of $TIMEOUT s"
            return 124
            ;;
        "$boot")
            if ! guest_came_up "$work"; then
                guest_starves "$((SECONDS - begin))" || break
                timer_start "$BOOT_LIMIT"; boot=$!
                waiting+=("$boot")
            fi
            ;;
        # Our output is not read any more.
        *) ((status == 0)) || { guest_end "$work"; return "$status"; } ;;
        esac
        mapfile -t waiting < <(printf '%s\n' "${waiting[@]}" | grep -vx "$ended")
    done
    guest_end "$work"
    guest_verdict "$work"
}

# guest_starves SECONDS: has it had too little CPU time since it began?
guest_starves() {
    local stat
    (($1 < BOOT_PATIENCE)) || return
    read -r stat <"/proc/$QEMU/stat" || return
    # Behind the name: the state is the first, utime and stime the 12th and 13th.
    read -ra stat <<<"${stat##*) }"
    (((stat[11] + stat[12]) / $(getconf CLK_TCK) < BOOT_CPU))
}

# If run itself is killed, nothing of it may hold the caller's pipes.
timer_start() {
    child_start sleep "$1" >/dev/null 2>&1
}

guest_verdict() {
    local work=$1 status
    status=$(sed -n 's/^exited //p' "$work/control")
    if [[ $status ]]; then return "$status"; fi
    cat "$work/qemu.log" "$work/console" >&2
    if ! guest_came_up "$work"; then
        note 'the guest did not come up, its console is above'
    elif grep -q 'Kernel panic' "$work/console"; then
        note 'the guest panicked, its console is above'
    else
        note 'the guest ended before the command did, its console is above'
    fi
    return 125
}

# guest_end WORK: lets the output drain once no process can add to it. A pipe that
# qemu never opened is opened here, or its reader would wait for ever.
guest_end() {
    local port
    children_end
    for port in "$1"/port*; do : <>"$port"; done
    wait "${PUMPS[@]}"
    PUMPS=()
}

children_end() {
    ((${#CHILDREN[@]})) || return
    kill "${CHILDREN[@]}" 2>/dev/null
    wait "${CHILDREN[@]}" 2>/dev/null
    CHILDREN=()
}
