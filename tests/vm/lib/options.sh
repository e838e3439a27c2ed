# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The command line. shellcheck cannot see what reads these.
# shellcheck disable=SC2034

KEY=6.1 SHARE='' CPUS=2 MEMORY=1G APPEND='' BESIDE=0 TIMEOUT=600 ACTION=run ARGUMENTS=()
# The archives that make the root file system
IMAGES=(rootfs)

options_help() {
    cat <<'EOF'
Usage: tests/vm/run [OPTION…] -- COMMAND [ARGUMENT…]
       tests/vm/run --all [OPTION…] -- COMMAND [ARGUMENT…]
       tests/vm/run --list | --prepare [KEY…] | --btf KEY

Boots a virtual machine, runs COMMAND in it as root with this build's programs
in PATH, and ends with COMMAND's status; 124: time limit, 125: the guest or the
test bed failed, 2: wrong usage.

  --kernel KEY      one of --list (6.1)
  --all             every kernel, one after the other; the first failure counts
  --full            with systemd as process 1, and gdb
  --share DIR       /mnt/share in the guest, readable and writable
  --cpus N          (2)
  --memory SIZE     (1G)
  --beside N        beside N busy loops on this machine, as nice as the guest (0)
  --append ARGS     added to the kernel's arguments
  --timeout SECONDS for boot and COMMAND together (600)
  --list            prints the keys
  --prepare [KEY…]  fills the cache, all keys by default, with what is newest
  --btf KEY         prints the path of the kernel's BTF

TIMENSBPF_BUILD_DIR names the build to install (build/dev). The cache is
${XDG_CACHE_HOME:-~/.cache}/timensbpf/vm; it can be removed at any time.
EOF
}

options_parse() {
    while (($#)); do
        case $1 in
        --kernel | --share | --cpus | --memory | --append | --timeout | --btf | --beside)
            (($# > 1)) || usage_error "$1 needs a value"
            option_set "$1" "$2"
            shift 2
            ;;
        --all | --list | --help) ACTION=${1#--}; shift ;;
        --full) IMAGES=(rootfs extras); shift ;;
        --prepare) ACTION=prepare; shift; ARGUMENTS=("$@"); break ;;
        --) shift; ARGUMENTS=("$@"); break ;;
        -*) usage_error "unknown option $1" ;;
        *) usage_error "unexpected argument $1 before --" ;;
        esac
    done
    options_check
}

option_set() {
    case $1 in
    --kernel) KEY=$2 ;;
    --btf) ACTION=btf KEY=$2 ;;
    --share) SHARE=$2; [[ -d $2 ]] || usage_error "--share: $2 is no directory" ;;
    --append) APPEND=$2 ;;
    --cpus) CPUS=$2; [[ $2 =~ ^[1-9][0-9]?$ ]] || usage_error "--cpus: $2 is no number from 1 to 99" ;;
    --beside) BESIDE=$2; [[ $2 =~ ^[0-9]{1,2}$ ]] || usage_error "--beside: $2 is no number from 0 to 99" ;;
    --memory) MEMORY=$2; [[ $2 =~ ^[1-9][0-9]*[MG]$ ]] || usage_error "--memory: $2 is no size such as 512M or 2G" ;;
    --timeout) TIMEOUT=$2; [[ $2 =~ ^[1-9][0-9]*$ ]] || usage_error "--timeout: $2 is no number of seconds" ;;
    esac
}

options_check() {
    local key keys=("$KEY")
    if [[ $ACTION == prepare ]]; then
        ((${#ARGUMENTS[@]})) || ARGUMENTS=("${KERNEL_KEYS[@]}")
        keys=("${ARGUMENTS[@]}")
    fi
    for key in "${keys[@]}"; do
        kernel_known "$key" || usage_error "unknown kernel $key: one of ${KERNEL_KEYS[*]}"
    done
    case $ACTION in
    run | all) ((${#ARGUMENTS[@]})) || usage_error 'no command: -- COMMAND is missing' ;;
    esac
}
