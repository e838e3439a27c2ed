/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A process forbids itself to read clocks by system call (seccomp(2)), as
 * programs do that read them through the vDSO. From then on the page of its
 * rule is read without the pass (P6 of page.h): nothing of ours may send it to
 * the call. Of filters that a process has already when it is given its pages
 * the loader knows (loader/process/no_calls.h).
 */
#include "lib/lookup.bpf.h"
#include "lib/no_calls.bpf.h"
#include "lib/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

/* Only 64-bit code has the image. */
SEC("fexit/do_seccomp")
int BPF_PROG(filter_set)
{
	__u32 *slot = current_slot();
	struct tnb_arrival arrival;

	if (!slot || current_may_call_clocks(false))
		return 0;
	no_calls_begin(*slot);
	/* Or of the rule whose page it still maps. */
	arrival = current_arrival();
	if (arrival.entry && arrival.from)
		no_calls_begin(arrival.from);
	return 0;
}
