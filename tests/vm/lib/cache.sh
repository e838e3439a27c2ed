# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The cache: one directory per content (items/ID), and names that point to it
# (names/NAME, which include a digest of the recipe). An item appears by a
# rename, so that a fill which was killed leaves nothing that looks complete.

readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/timensbpf/vm

digest() { sha256sum | cut -c1-12; }

# cache_lookup NAME: the directory that NAME stands for.
cache_lookup() {
    local dir
    dir=$(readlink -e "$CACHE/names/$1") && printf '%s\n' "$dir"
}

# cache_store NAME ID BUILD ARG…: makes NAME stand for item ID; if that is not
# there yet, "BUILD DIR ARG…" fills the empty directory DIR.
cache_store() {
    local name=$1 id=$2 work
    shift 2
    if [[ ! -d $CACHE/items/$id ]]; then
        mkdir -p "$CACHE/items" "$CACHE/work"
        # Only the holder of the lock gets here: what is there was killed.
        rm -rf "$CACHE/work/$name".*
        work=$(mktemp -d "$CACHE/work/$name.XXXXXX") || return
        mkdir "$work/item"
        "$1" "$work/item" "${@:2}" || { rm -rf "$work"; return 1; }
        mv -T "$work/item" "$CACHE/items/$id" || return
        rm -rf "$work"
    fi
    mkdir -p "$CACHE/names"
    ln -sfn "../items/$id" "$CACHE/names/$name.$$" &&
        mv -T "$CACHE/names/$name.$$" "$CACHE/names/$name"
}

# with_lock NAME COMMAND…: one fill of NAME at a time.
with_lock() {
    local lock=$CACHE/locks/$1
    shift
    mkdir -p "$CACHE/locks"
    (
        flock --nonblock 9 || {
            note 'waiting for another fill of the cache'
            flock 9
        }
        "$@"
    ) 9>"$lock"
}
