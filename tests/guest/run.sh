#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh TAGS FILE…: in the guest, the tests with these tags (empty: all) of these
# files one after the other, and how long each file took, which bats tells of
# single tests alone. Fails if one does.
tags=$1
shift
status=0
for file; do
    begin=$SECONDS
    bats --tap --timing ${tags:+--filter-tags "$tags"} "$file" || status=1
    echo "# ${file##*/}: $((SECONDS - begin)) s"
done
exit "$status"
