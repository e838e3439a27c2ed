# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Packages of Debian suites that the machine itself need not have: a private
# apt state for each suite, the archive's address from the machine's own one.

readonly APT_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# apt_archive main|security: the address of that Debian archive.
apt_archive() {
    local want=$1 origin codename uri kind
    while read -r origin codename uri; do
        [[ $origin == Debian ]] || continue
        kind=main
        [[ $codename == *-security ]] && kind=security
        [[ $kind == "$want" ]] && printf '%s\n' "$uri" && return
    done < <(
        # shellcheck disable=SC2016 # apt's variables
        apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages'
    )
    return 1
}

apt_sources() {
    local suite=$1 main security
    main=$(apt_archive main) ||
        die 'apt knows no Debian archive here: run "apt-get update" first'
    printf 'deb [arch=amd64 signed-by=%s] %s %s main\n' \
        "$APT_KEYRING" "$main" "$suite"
    if [[ $suite != *-backports ]] && security=$(apt_archive security); then
        printf 'deb [arch=amd64 signed-by=%s] %s %s-security main\n' \
            "$APT_KEYRING" "$security" "$suite"
    fi
}

# The machine's hooks after an update clean the machine's own package cache.
apt_config() {
    local dir=$1
    cat <<EOF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "$dir/state";
Dir::State::status "/dev/null";
Dir::Cache "$dir/cache";
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
EOF
}

# apt_update SUITE: once in a run. Each run has its own state, so that none
# reads an index while another one replaces it.
apt_update() {
    local dir=$TMP/apt/$1
    [[ -e $dir/updated ]] && return
    mkdir -p "$dir"/state/lists/partial "$dir"/cache/archives/partial
    apt_sources "$1" >"$dir/sources.list" || return
    apt_config "$dir" >"$dir/apt.conf"
    note "fetching the package index of $1"
    apt-get -qq -c "$dir/apt.conf" update >&2 || return
    touch "$dir/updated"
}

# apt_in SUITE TOOL ARG…: apt-get or apt-cache on the suite's private state.
apt_in() {
    local suite=$1 tool=$2
    shift 2
    "$tool" -qq -c "$TMP/apt/$suite/apt.conf" "$@"
}

# apt_field SUITE PACKAGE FIELD: of the version that apt would install.
apt_field() {
    apt_in "$1" apt-cache --no-all-versions show "$2" | sed -n "s/^$3: //p"
}

# apt_closure SUITE PACKAGE…: package file names ("name_version_arch.deb") of
# the packages and all they depend on.
apt_closure() {
    local suite=$1
    shift
    apt_in "$suite" apt-get --print-uris install "$@" | awk '{ print $2 }' | sort
}

# apt_fetch_closure SUITE DIR PACKAGE…: the same as files in DIR.
apt_fetch_closure() {
    local suite=$1 dir=$2
    shift 2
    mkdir -p "$dir/partial"
    apt_in "$suite" apt-get -o "Dir::Cache::archives=$dir" \
        --yes --download-only install "$@" >&2
}

# apt_fetch SUITE DIR PACKAGE=VERSION…: these packages alone.
apt_fetch() {
    local suite=$1 dir=$2
    shift 2
    mkdir -p "$dir"
    (cd "$dir" && apt_in "$suite" apt-get download "$@" >&2)
}
