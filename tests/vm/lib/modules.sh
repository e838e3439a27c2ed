# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The modules that a guest needs, as a cpio archive.

# modules_build ITEM TMP: from the unpacked packages in TMP/root.
modules_build() {
    local item=$1 tmp=$2 all release
    all=$(find "$tmp/root" -path '*lib/modules/*/kernel' -print -quit)
    all=${all%/kernel}
    release=${all##*/}
    modules_tree "${all%/lib/modules/*}" "$release" "$tmp/cpio" || return
    echo "$release" >"$item/release"
    (cd "$tmp/cpio" && find usr | cpio_make) >"$item/modules.cpio"
}

# modules_tree ROOT RELEASE OUT: what the lists name and these need, in OUT.
modules_tree() {
    local root=$1 release=$2 base module
    base=usr/lib/modules/$release
    mkdir -p "$3/$base/kernel" "$3/lib" || return
    ln -s ../usr/lib/modules "$3/lib/modules"
    depmod -b "$root" "$release" || return
    modules_needed "$root" "$release" "${MODULES_AT_BOOT[@]}" "${MODULES_ON_DEMAND[@]}" |
        while read -r module; do
            install -D -m 644 "$module" "$3/$base/${module#*"/lib/modules/$release/"}" || return
        done
    find "$3/$base" -name '*.ko.xz' -exec xz -d {} +
    cp "$root/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$3/$base"
    modules_needed "$root" "$release" "${MODULES_AT_BOOT[@]}" |
        sed 's|.*/||; s|\.ko.*||' >"$3/$base/load-at-boot"
    depmod -b "$3" "$release" && rm -r "${3:?}/lib"
}

# modules_needed ROOT RELEASE MODULE…: their files in load order; none for one
# that is built in or missing.
modules_needed() {
    local root=$1 release=$2 module
    shift 2
    for module; do
        modprobe -d "$root" -S "$release" --show-depends "$module" 2>/dev/null
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# Root owns everything: a fill may run as another user.
cpio_make() { sort | cpio --quiet -o -H newc -R 0:0 --reproducible; }
