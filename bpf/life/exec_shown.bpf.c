/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Under lockdown no program may write user memory, so that the host's vDSO is
 * not hidden at exec. A program that starts in a rule while no loader serves
 * reads the host's time. It is counted, and the next loader changes it. Where
 * a loader serves, start.bpf.c counts what it cannot prepare.
 */
#include "lib/lookup.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

SEC("lsm/bprm_committed_creds")
int BPF_PROG(lsm_exec_shown)
{
	if (current_is_virtual() && !some_loader())
		count(TNB_COUNT_EXEC_SHOWN);
	return 0;
}
