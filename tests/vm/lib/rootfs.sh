# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The guest's root file system, a cpio archive made of Debian 12 packages.

readonly ROOTFS_SUITE=bookworm
# Needed by maintainer scripts only, which do not run.
readonly ROOTFS_WITHOUT='^(debconf|dpkg|init-system-helpers|libperl5.*|perl.*|lib.*-perl|usrmerge|libdb5.3|gcc-12-base)_'

rootfs_recipe() {
    cat "$HERE"/rootfs.{packages,leave-out} "$HERE/lib/rootfs.sh" | digest
}

rootfs_name() { echo "rootfs-$(rootfs_recipe)"; }

rootfs_fill() {
    local packages files
    apt_update "$ROOTFS_SUITE" || return
    mapfile -t packages < <(grep -v '^#' "$HERE/rootfs.packages")
    files=$(apt_closure "$ROOTFS_SUITE" "${packages[@]}")
    [[ $files ]] || { note 'apt cannot resolve rootfs.packages'; return 1; }
    cache_store "$(rootfs_name)" "$(rootfs_name)-$(digest <<<"$files")" \
        rootfs_build "${packages[@]}"
}

rootfs_build() {
    local item=$1 tmp=${1%/item}/tmp root=${1%/item}/tmp/root deb
    shift
    note 'making the root file system'
    apt_fetch_closure "$ROOTFS_SUITE" "$tmp/debs" "$@" || return
    rootfs_skeleton "$root" || return
    for deb in "$tmp"/debs/*.deb; do
        [[ ${deb##*/} =~ $ROOTFS_WITHOUT ]] && continue
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$root" --keep-directory-symlink -X <(grep -v '^#' "$HERE/rootfs.leave-out") ||
            return
    done
    rootfs_configure "$root" && rootfs_compile_python "$root" || return
    (cd "$root" && find . -mindepth 1 | sed 's|^\./||' | cpio_make) >"$item/root.cpio"
}

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
        chroot "$root" /sbin/ldconfig
}

# Without byte code, which a maintainer script makes, python3 starts in seconds;
# with it (-b: beside the sources), the sources are dead weight.
rootfs_compile_python() {
    chroot "$1" /usr/bin/python3 -m compileall -q -b /usr/lib/python3.11 >/dev/null &&
        find "$1/usr/lib/python3.11" \( -name '*.py' -o -name __pycache__ \) -prune \
            -exec rm -r {} +
}
