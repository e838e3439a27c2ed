# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests/run.sh and tests/demo.sh need first. Sourced, with ROOT set.

is_installed()
{
	# shellcheck disable=SC2016 # a field of dpkg's
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Packages that are listed and not installed.
missing_packages()
{
	local package

	sed 's/#.*//' "$ROOT/tests/packages" "$ROOT/tests/vm/packages" |
		sort -u | while read -r package; do
		[ -z "$package" ] || is_installed "$package" || echo "$package"
	done
}

install_packages()
{
	local missing

	mapfile -t missing < <(missing_packages)
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing ${#missing[@]} packages: ${missing[*]}"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		--no-install-recommends "${missing[@]}" >/dev/null
}

# The machine's own kernel serves for vmlinux.h, or, without BTF, the guest's.
kernel_btf()
{
	if [ -r /sys/kernel/btf/vmlinux ]; then
		echo /sys/kernel/btf/vmlinux
	else
		"$ROOT/tests/vm/run" --btf 6.1
	fi
}

# build PRESET
build()
{
	(
		cd "$ROOT"
		cmake --preset "$1" -DTIMENSBPF_VMLINUX_BTF="$(kernel_btf)" \
			>/dev/null
		cmake --build --preset "$1"
	)
}
