# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The guest's root file system, a cpio archive made of Debian 12 packages, and
# what the larger image has in addition, another one.

readonly ROOTFS_SUITE=bookworm
# Needed by maintainer scripts only, which do not run.
readonly ROOTFS_WITHOUT='^(debconf|dpkg|init-system-helpers|libperl5.*|perl.*|lib.*-perl|usrmerge|libdb5.3|gcc-12-base)_'

# image_recipe rootfs|extras
image_recipe() {
    cat "$HERE"/{rootfs,"$1"}.packages "$HERE"/rootfs.leave-out "$HERE/lib/rootfs.sh" |
        digest
}

image_name() { echo "$1-$(image_recipe "$1")"; }

# packages_of NAME…: what the lists of these images name
packages_of() { (cd "$HERE" && grep -hv '^#' "${@/%/.packages}"); }

# image_fill rootfs|extras: brings it into the cache, of the newest packages.
image_fill() {
    local packages files
    apt_update "$ROOTFS_SUITE" || return
    mapfile -t packages < <(packages_of rootfs)
    files=$(apt_closure "$ROOTFS_SUITE" "${packages[@]}")
    if [[ $1 == extras ]]; then
        mapfile -t packages < <(packages_of rootfs extras)
        # What is named there once more was trimmed.
        files=$(grep -v -f <(packages_of extras | sed 's/.*/^&_/') <<<"$files")
        files=$(apt_closure "$ROOTFS_SUITE" "${packages[@]}" | comm -13 <(echo "$files") -)
    fi
    [[ $files ]] || { note "apt cannot resolve $1.packages"; return 1; }
    cache_store "$(image_name "$1")" "$(image_name "$1")-$(digest <<<"$files")" \
        image_build "$1" "$files" "${packages[@]}"
}

# image_build ITEM rootfs|extras FILES PACKAGE…: FILES of all that these packages
# need go into the image.
image_build() {
    local item=$1 image=$2 files=$3 tmp=${1%/item}/tmp root=${1%/item}/tmp/root deb
    shift 3
    note "making the root file system: $image"
    apt_fetch_closure "$ROOTFS_SUITE" "$tmp/debs" "$@" || return
    rootfs_skeleton "$root" || return
    while read -r deb; do
        [[ $deb =~ $ROOTFS_WITHOUT ]] && continue
        dpkg-deb --fsys-tarfile "$tmp/debs/$deb" |
            tar -x -C "$root" --keep-directory-symlink -X <("${image}_leave_out") || return
    done <<<"$files"
    "${image}_configure" "$root" || return
    (cd "$root" && find . -mindepth 1 | sed 's|^\./||' | cpio_make) >"$item/root.cpio"
}

rootfs_leave_out() { grep -v '^#' "$HERE/rootfs.leave-out"; }

# There, units without their systemd.
extras_leave_out() { rootfs_leave_out | grep -v '^\./lib/systemd$\|gssapi\|k5crypto\|krb5'; }

rootfs_skeleton() {
    local dir
    for dir in bin sbin lib lib32 lib64 libx32; do
        mkdir -p "$1/usr/$dir" && ln -s "usr/$dir" "$1/$dir" || return
    done
    mkdir -p "$1"/{dev,proc,sys,run,tmp,mnt/share,root,etc,var/tmp,usr/local/bin}
    chmod 1777 "$1/tmp" "$1/var/tmp"
}

# What the maintainer scripts would have done. The guest's init brings modprobe
# back: a kernel that finds it runs it many times before init, for nothing.
rootfs_configure() {
    local root=$1 share=$1/usr/share
    cp "$share/base-passwd/passwd.master" "$root/etc/passwd" &&
        cp "$share/base-passwd/group.master" "$root/etc/group" &&
        sed 's/:.*/:*:19000:0:99999:7:::/' "$root/etc/passwd" >"$root/etc/shadow" &&
        chmod 640 "$root/etc/shadow" &&
        cp "$share/libc-bin/nsswitch.conf" "$root/etc/nsswitch.conf" &&
        printf '127.0.0.1 localhost timensbpf\n::1 localhost\n' >"$root/etc/hosts" &&
        ln -sf dash "$root/usr/bin/sh" &&
        ln -sf gawk "$root/usr/bin/awk" &&
        ln -sf which.debianutils "$root/usr/bin/which" &&
        ln -sf /proc/mounts "$root/etc/mtab" &&
        ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime" &&
        rm "$root/usr/sbin/modprobe" &&
        chroot "$root" /sbin/ldconfig &&
        rootfs_compile_python "$root"
}

# Libraries outside the base's ld.so.cache are found in their directory. What
# starts by itself is what a test asks for.
extras_configure() {
    echo 7c3f1d5e90b24a6c8d21fe0b64a97358 >"$1/etc/machine-id" &&
        rm -rf "$1"/etc/systemd/system/*
}

# Without byte code, which a maintainer script makes, python3 starts in seconds;
# with it (-b: beside the sources), the sources are dead weight.
rootfs_compile_python() {
    chroot "$1" /usr/bin/python3 -m compileall -q -b /usr/lib/python3.11 >/dev/null &&
        find "$1/usr/lib/python3.11" \( -name '*.py' -o -name __pycache__ \) -prune \
            -exec rm -r {} +
}
