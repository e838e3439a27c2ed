#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every command and option of the table is completed by bash and zsh.
#   completion.sh TIMENSBPF
set -uo pipefail
TIMENSBPF=$1
WORK=$(mktemp -d) || exit
trap 'rm -rf "$WORK"' EXIT
failed=0

wrong() {
    echo "WRONG: $*"
    failed=1
}

"$TIMENSBPF" completion bash >"$WORK/bash" || wrong "no completion of bash"
"$TIMENSBPF" completion zsh >"$WORK/zsh" || wrong "no completion of zsh"
bash -n "$WORK/bash" || wrong "bash does not parse its completion"
if type -P zsh >/dev/null; then
    zsh -n "$WORK/zsh" || wrong "zsh does not parse its completion"
fi

# completed WORD…: what bash offers for the last of the words
completed() {
    bash -c '. "$0" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _timensbpf &&
        printf "%s\n" "${COMPREPLY[@]}"' "$WORK/bash" "$@"
}
offers() {
    local word=$1
    shift
    grep -qxF -e "$word" <<<"$(completed "$@")" || wrong "bash does not offer $word after $*"
}

# The part of zsh's completion that is about a command.
zsh_of() { sed -n "/^    $1)\$/,/;;\$/p" "$WORK/zsh"; }

commands=0
while read -r kind command long short; do
    case $kind in
    command)
        commands=$((commands + 1))
        offers "$command" timensbpf ''
        offers "$command" timensbpf "${command::2}"
        offers --help timensbpf "$command" -
        grep -q "^        '$command:" "$WORK/zsh" || wrong "zsh does not offer $command"
        ;;
    option)
        offers "$long" timensbpf "$command" ''
        offers "$long" timensbpf "$command" "$long"
        grep -qE -e "${long}[]}=['[]" <<<"$(zsh_of "$command")" ||
            wrong "zsh does not offer $command $long"
        [[ $short ]] || continue
        offers "$short" timensbpf "$command" -
        grep -qF -e "{$short," <<<"$(zsh_of "$command")" ||
            wrong "zsh does not offer $command $short"
        ;;
    *) wrong "in the table: $kind $command" ;;
    esac
done < <("$TIMENSBPF" help --table)
((commands >= 9)) || wrong "only $commands commands in the table"

offers fexit timensbpf load --attach f
offers fexit timensbpf load --attach = ''
offers "$$" timensbpf set --pid "$$"
offers true timensbpf run --realtime +3d -- tru
offers true timensbpf enter --cgroup /x tru
offers true timensbpf run --realtime = +3d tru
offers --quiet timensbpf run --realtime = +3d --q
offers --quiet timensbpf run --
exit "$failed"
