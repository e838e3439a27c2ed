# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The kernels by key, and Debian's cloud kernels as cache items. A kernel's
# item holds vmlinux (uncompressed), btf, release and modules.cpio.

readonly KERNEL_KEYS=(6.1 6.12 latest 6.1-ei 6.12-preempt)

# Not all exist, or exist as modules, in each kernel.
readonly MODULES_AT_BOOT=(virtio_pci virtio_console fuse virtiofs)
readonly MODULES_ON_DEMAND=(overlay loop veth tun dummy)

kernel_known() { [[ " ${KERNEL_KEYS[*]} " == *" $1 "* ]]; }

# kernel_base KEY: the key whose kernel this one boots.
kernel_base() {
    case $1 in
    6.12-preempt) echo 6.12 ;;
    *) echo "$1" ;;
    esac
}

kernel_arguments() {
    if [[ $1 == 6.12-preempt ]]; then echo preempt=full; fi
}

# With cx16, 6.12 crashes at boot under emulation; without it, 7.2 has no BPF
# task storage. With erms and fsrm, memory is copied and cleared byte by byte,
# which is what emulation is worst at.
kernel_cpu() {
    case $1 in
    latest) echo max,-erms,-fsrm ;;
    *) echo max,-erms,-fsrm,-cx16 ;;
    esac
}

kernel_suite() {
    case $1 in
    6.1 | 6.1-ei) echo bookworm ;;
    6.12) echo trixie ;;
    latest) echo trixie-backports ;;
    esac
}

kernel_recipe() {
    case $1 in
    6.1-ei) ei_recipe ;;
    *)
        {
            echo "${MODULES_AT_BOOT[@]}" "${MODULES_ON_DEMAND[@]}"
            declare -f cloud_packages cloud_build modules_build modules_tree modules_needed
        } | digest
        ;;
    esac
}

kernel_name() {
    local key
    key=$(kernel_base "$1")
    echo "kernel-$key-$(kernel_recipe "$key")"
}

# kernel_fill KEY: brings the newest kernel of KEY into the cache.
kernel_fill() {
    local key suite
    key=$(kernel_base "$1")
    suite=$(kernel_suite "$key")
    apt_update "$suite" || return
    case $key in
    6.1-ei) ei_fill "$(kernel_name "$key")" "$suite" ;;
    *) cloud_fill "$(kernel_name "$key")" "$suite" ;;
    esac
}

cloud_fill() {
    local name=$1 suite=$2 packages
    mapfile -t packages < <(cloud_packages "$suite" linux-image-cloud-amd64)
    ((${#packages[@]})) || { note "$suite has no cloud kernel"; return 1; }
    cache_store "$name" "$name-${packages[0]#*=}" \
        cloud_build "$suite" "${packages[@]}"
}

# cloud_packages SUITE META: the packages ("name=version") below the
# metapackage that hold the kernel and its modules.
cloud_packages() {
    local suite=$1 queue=("$2") package version
    while ((${#queue[@]})); do
        package=${queue[0]}
        queue=("${queue[@]:1}")
        mapfile -t -O "${#queue[@]}" queue < <(
            apt_field "$suite" "$package" Depends | tr ',' '\n' |
                grep -oE '^ *linux-(image|binary|base|modules)-[0-9][^ ]*' | tr -d ' '
        )
        version=$(apt_field "$suite" "$package" Version) || return
        [[ $package == "$2" ]] || printf '%s=%s\n' "$package" "$version"
    done
}

cloud_build() {
    local item=$1 suite=$2 tmp=${1%/item}/tmp deb image
    shift 2
    note "fetching ${1%%=*}"
    apt_fetch "$suite" "$tmp/debs" "$@" || return
    mkdir -p "$tmp/root/lib"
    ln -s lib/modules "$tmp/root/modules"
    for deb in "$tmp"/debs/*.deb; do
        dpkg-deb -x "$deb" "$tmp/root" || return
    done
    image=$(find "$tmp/root" -name 'vmlinuz*' -type f -print -quit)
    kernel_uncompress "$image" "$item/vmlinux" &&
        kernel_btf "$item/vmlinux" "$item/btf" &&
        modules_build "$item" "$tmp"
}

# kernel_uncompress BZIMAGE FILE: the ELF image inside (the boot protocol's
# fields setup_sects, payload_offset and payload_length say where). A size
# follows the compressed data, which the tools complain about.
kernel_uncompress() {
    local sects offset length tool
    read -r sects < <(od -An -tu1 -j497 -N1 "$1")
    read -r offset < <(od -An -tu4 -j584 -N4 "$1")
    read -r length < <(od -An -tu4 -j588 -N4 "$1")
    offset=$(((sects + 1) * 512 + offset))
    tail -c +$((offset + 1)) "$1" | head -c "$length" >"$2.packed"
    case $(od -An -tx1 -N4 "$2.packed" | tr -d ' ') in
    28b52ffd) tool=zstd ;;
    02214c18) tool=lz4 ;;
    fd377a58) tool=xz ;;
    *) tool=gzip ;;
    esac
    "$tool" -dcq <"$2.packed" >"$2" 2>"$2.log"
    if ! readelf -h "$2" >/dev/null; then
        cat "$2.log" >&2
        return 1
    fi
    rm "$2.packed" "$2.log"
}

kernel_btf() { objcopy --dump-section ".BTF=$2" "$1" "$1.copy" && rm "$1.copy"; }
