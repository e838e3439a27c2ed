# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The second archive: what changes from run to run, made anew for each.

# overlay_make TREE: the guest's init, this build and the repository's tests.
overlay_make() {
    local tree=$1 build=${TIMENSBPF_BUILD_DIR:-$REPO/build/dev} lib
    lib=$tree/usr/local/lib/timensbpf
    mkdir -p "$tree/etc" "$lib/tests" "$lib/probes"
    install -m 755 "$HERE/guest/init" "$tree/init"
    install -m 644 "$HERE/guest/fstab" "$tree/etc/fstab"
    install -D -m 644 -t "$tree/etc/systemd/system" "$HERE/guest/timensbpf-job.service"
    overlay_dev "$tree/etc/dev"
    overlay_install "$build" "$tree" || return
    if [[ -d $REPO/tests/guest ]]; then cp -R "$REPO/tests/guest" "$lib/tests/"; fi
    if [[ -d $build/tests/probes ]]; then
        find "$build/tests/probes" -maxdepth 1 -type f -executable \
            -exec cp -t "$lib/probes" {} +
    fi
}

# Links that init copies to /dev with one process.
overlay_dev() {
    mkdir -p "$1"
    ln -s /proc/self/fd "$1/fd"
    ln -s fd/0 "$1/stdin"
    ln -s fd/1 "$1/stdout"
    ln -s fd/2 "$1/stderr"
}

overlay_install() {
    if [[ ! -e $1/cmake_install.cmake ]]; then
        note "no build in $1: the guest goes without this build's programs"
        return
    fi
    DESTDIR=$2 cmake --install "$1" --prefix /usr/local >"$2.log" 2>&1 ||
        { cat "$2.log" >&2; return 1; }
}

# overlay_job TREE COMMAND…: an argument may hold anything but a zero byte.
overlay_job() {
    local job=$1/run.timensbpf
    shift
    mkdir -p "$job"
    printf '%s\0' "$@" >"$job/argv"
    if [[ $SHARE ]]; then touch "$job/share"; fi
    if [[ " ${IMAGES[*]} " == *" extras "* ]]; then touch "$job/full"; fi
    # With one pipe, the order of output and errors is kept as well.
    if [[ /proc/$$/fd/1 -ef /proc/$$/fd/2 ]]; then touch "$job/one-output"; fi
}
