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

SEC("fexit/do_seccomp")
int BPF_PROG(filter_set)
{
	struct tnb_loader_state *state = the_loader_state();
	__u32 *slot = current_slot(), left = state ? state->left_slot : 0;
	struct tnb_arrival arrival;

	if ((!slot && !left) || current_may_call_clocks(current_is_narrow()))
		return 0;
	if (slot)
		no_calls_begin(*slot);
	/* Or of the rule whose page it still maps: where it came from, or which
	 * its cgroup was pointed away from by a change under way. */
	arrival = current_arrival();
	if (arrival.entry && arrival.from)
		no_calls_begin(tnb_arrival_from_slot(arrival.from));
	if (left)
		no_calls_begin(left);
	return 0;
}
