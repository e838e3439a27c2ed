#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/bench/run.sh [--quick] [--json DIR] [KEY…]
#
# What the clock costs, on every test kernel or those named, as one Markdown
# table. Asserts nothing about speed: the status is 1 only if a kernel could not
# be measured. --json DIR keeps what each kernel answered as DIR/KEY.json.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit
readonly VM=$HERE/../vm/run
# 10,000 cgroups and the 64 MiB of clock pages.
readonly MEMORY=2G CPUS=2 TIMEOUT=3000

QUICK=() JSON='' KEYS=()

usage_error() {
    printf 'tests/bench/run.sh: %s\n' "$1" >&2
    sed -n 's/^# \(tests\/bench\/run.sh \[.*\)/Usage: \1/p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

options_parse() {
    while (($#)); do
        case $1 in
        --quick) QUICK=(--quick) ;;
        --json)
            (($# > 1)) || usage_error '--json needs a directory'
            JSON=$2
            shift
            ;;
        -*) usage_error "unknown option $1" ;;
        *) KEYS+=("$1") ;;
        esac
        shift
    done
    ((${#KEYS[@]})) || mapfile -t KEYS < <("$VM" --list)
}

measure() {
    "$VM" --kernel "$1" --memory "$MEMORY" --cpus "$CPUS" --timeout "$TIMEOUT" \
        -- bench_read_cost --json "${QUICK[@]}" >"$JSON/$1.json"
}

print_machine() {
    local model version
    model=$(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo)
    version=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
    cat <<END
Measured in an emulated guest (QEMU $version, TCG, no KVM) with $CPUS virtual CPUs,
on a machine with $(nproc) CPUs ($model): ratios carry over to
hardware only roughly, nanoseconds not at all. In brackets: the ratio to the
same call with nothing loaded; for "virtual cgroups", to one such cgroup. Bold:
what \`--attach auto\` chooses on that kernel.

END
}

# print_table FILE…: a column for each, its rows joined by their label. The
# bench writes one row a line.
print_table() {
    awk '
    function text(name,    found) {
        if (!match($0, "\"" name "\": (\"[^\"]*\"|[^,}]*)")) return ""
        found = substr($0, RSTART, RLENGTH)
        sub(/^"[^"]*": "?/, "", found)
        sub(/"$/, "", found)
        return found
    }
    function cell(    ns, ratio, all) {
        ns = text("ns")
        ratio = text("ratio")
        all = ns == "" ? text("text") : \
            ns + 0 >= 100000 ? sprintf("%.2f ms", ns / 1e6) : sprintf("%.0f ns", ns)
        if (ratio != "") all = all sprintf(" (%.2f)", ratio)
        return text("chosen") == "true" ? "**" all "**" : all
    }
    FNR == 1 {
        key = FILENAME
        sub(/.*\//, "", key)
        sub(/\.json$/, "", key)
        keys[++columns] = key
        after = 0
    }
    /"brief": true/ {
        label = text("label")
        table[label, columns] = cell()
        if (!(label in known)) {
            # Behind the row that it follows on its own kernel.
            for (i = rows++; i > after; i--) order[i + 1] = order[i]
            order[after + 1] = label
            known[label]
        }
        for (after = 1; order[after] != label; after++);
    }
    END {
        printf "| |"
        for (c = 1; c <= columns; c++) printf " %s |", keys[c]
        printf "\n|---|"
        for (c = 1; c <= columns; c++) printf "---:|"
        print ""
        for (r = 1; r <= rows; r++) {
            printf "| %s |", order[r]
            for (c = 1; c <= columns; c++)
                printf " %s |", (order[r], c) in table ? table[order[r], c] : "–"
            print ""
        }
    }' "$@"
}

main() {
    local key files=() status=0
    options_parse "$@"
    if [[ ! $JSON ]]; then
        JSON=$(mktemp -d "${TMPDIR:-/tmp}/timensbpf-bench.XXXXXX") || exit
        # shellcheck disable=SC2064 # its value of now
        trap "rm -rf '$JSON'" EXIT
    fi
    mkdir -p "$JSON" || exit
    for key in "${KEYS[@]}"; do
        printf '==> %s\n' "$key" >&2
        if measure "$key"; then
            files+=("$JSON/$key.json")
        else
            printf 'tests/bench/run.sh: %s was not measured\n' "$key" >&2
            status=1
        fi
    done
    if ((${#files[@]})); then
        print_machine
        print_table "${files[@]}"
    fi
    return "$status"
}

main "$@"
