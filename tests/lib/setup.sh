# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests/run.sh and tests/demo.sh need first. Sourced, with ROOT set.

# Seconds between two lines about a step that goes on.
STEP_INTERVAL=${STEP_INTERVAL:-15}

minutes()
{
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# step_report WHAT BEGIN LOG: until it is killed, or the script ends, tells from
# time to time where the step is: the last line that it wrote.
step_report()
{
	local line

	# A sleep that outlives us must not hold the pipe of our output.
	while sleep "$STEP_INTERVAL" >/dev/null 2>&1 && kill -0 $$; do
		line=$(tail -n 1 "$3" | tr -d '\r' | cut -c 1-60)
		echo "   $(minutes $((SECONDS - $2)))  $1: $line"
	done
}

# step WHAT HOW_LONG COMMAND…: says what it does and how long that takes, tells of
# it while it lasts, and how long it took. What COMMAND wrote matters only if it
# fails.
step()
{
	local what=$1 begin=$SECONDS log report status=0

	echo "-- $what ($2)"
	shift 2
	log=$(mktemp)
	step_report "$what" "$begin" "$log" &
	report=$!
	"$@" >"$log" 2>&1 </dev/null || status=$?
	kill "$report"
	wait "$report" 2>/dev/null || :
	if [ "$status" -eq 0 ]; then
		echo "   done in $(minutes $((SECONDS - begin)))"
	else
		cat "$log"
		echo "   failed: $what"
	fi
	rm "$log"
	return "$status"
}

is_installed()
{
	# shellcheck disable=SC2016 # a field of dpkg's
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Packages that are listed and not installed.
missing_packages()
{
	local package

	sed 's/#.*//' "$ROOT/cmake/packages" "$ROOT/tests/packages" \
		"$ROOT/tests/vm/packages" |
		sort -u | while read -r package; do
		[ -z "$package" ] || is_installed "$package" || echo "$package"
	done
}

apt_install()
{
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends "$@"
}

install_packages()
{
	local missing

	mapfile -t missing < <(missing_packages)
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "-- missing: ${missing[*]}"
	step "index of packages" "some seconds" apt-get update -q &&
		step "installing ${#missing[@]} packages and what they need" \
			"up to 3 minutes, by network" apt_install "${missing[@]}"
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

# configure PRESET
configure()
{
	local btf

	btf=$(kernel_btf) &&
		(cd "$ROOT" && cmake --preset "$1" -DTIMENSBPF_VMLINUX_BTF="$btf")
}

# compile PRESET
compile()
{
	(cd "$ROOT" && cmake --build --preset "$1")
}

# build PRESET HOW_LONG: the time that it takes from nothing
build()
{
	step "configuring build/$1" "some seconds" configure "$1" &&
		step "building build/$1" "from nothing: $2" compile "$1"
}
