# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# 6.1-ei: Debian's source of 6.1 with error injection, which Debian leaves out.

ei_recipe() { { declare -f ei_make; ei_options; } | digest; }

ei_options() { grep -E '^(# )?CONFIG_' "$HERE/6.1-ei.config"; }

ei_fill() {
    local name=$1 suite=$2 version
    version=$(apt_field "$suite" linux-source-6.1 Version) || return
    cache_store "$name" "$name-$version" ei_build "$suite" "$version"
}

ei_build() {
    local item=$1 suite=$2 version=$3 tmp=${1%/item}/tmp source
    note "building 6.1-ei from linux-source-6.1 $version (5 minutes or more)"
    apt_fetch "$suite" "$tmp" "linux-source-6.1=$version" || return
    dpkg-deb --fsys-tarfile "$tmp"/linux-source-6.1_*.deb |
        tar -xO --wildcards '*/linux-source-6.1.tar.xz' | tar -xJ -C "$tmp" || return
    source=$tmp/linux-source-6.1
    ei_make "$source" >"$tmp/log" 2>&1 || { tail -30 "$tmp/log" >&2; return 1; }
    (cd "$source" && make -s kernelrelease) >"$item/release"
    objcopy --strip-all "$source/vmlinux" "$item/vmlinux" &&
        kernel_btf "$source/vmlinux" "$item/btf" &&
        : >"$item/modules.cpio"
}

ei_make() {
    make -s -C "$1" defconfig kvm_guest.config &&
        (cd "$1" && scripts/kconfig/merge_config.sh -m .config "$HERE/6.1-ei.config") &&
        make -s -C "$1" olddefconfig &&
        ei_config_holds "$1/.config" &&
        nice make -s -C "$1" -j"$(nproc)" vmlinux
}

# olddefconfig drops, without a word, an option whose dependency is missing.
ei_config_holds() {
    local line missing=0
    while read -r line; do
        grep -qxF "$line" "$1" && continue
        [[ $line == '# '* ]] && ! grep -q "^${line:2:-11}=" "$1" && continue
        echo "not in the final configuration: $line"
        missing=1
    done < <(ei_options)
    return "$missing"
}
