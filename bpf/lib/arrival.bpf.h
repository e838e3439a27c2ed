/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Processes that were moved into a rule and are not changed yet
 * (tnb_loader_state.arrival). */
#ifndef TIMENSBPF_BPF_LIB_ARRIVAL_BPF_H
#define TIMENSBPF_BPF_LIB_ARRIVAL_BPF_H

#include "loader_state.bpf.h"
#include "order.bpf.h"

#include <abi/latch.h>

static __always_inline __u64 *arrival_of(struct tnb_loader_state *state,
					 __u32 tgid)
{
	return &state->arrival[tgid & (TNB_ARRIVALS - 1)];
}

/* Its entry, 0: it is not arriving. Read behind the load of `before`: a process
 * is written down here before it comes to its new cgroup. */
static __always_inline __u64 current_arrival_after(__u64 before)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct tnb_loader_state *state = the_loader_state();
	__u64 entry = state ? tnb_load_after(*arrival_of(state, tgid), before)
			    : 0;

	return entry && tnb_arrival_tgid(entry) == tgid &&
			       !tnb_arrival_is_over(entry, bpf_ktime_get_ns())
		       ? entry
		       : 0;
}

static __always_inline __u64 current_arrival(void)
{
	return current_arrival_after(0);
}

static __always_inline void arrive(struct tnb_loader_state *state, __u32 tgid,
				   __u64 since_ms)
{
	__u64 entry;

	if (!state)
		return;
	entry = tnb_read_once(*arrival_of(state, tgid));
	if (!entry || tnb_arrival_tgid(entry) == tgid ||
	    tnb_arrival_is_over(entry, bpf_ktime_get_ns()))
		order_store(arrival_of(state, tgid),
			    TNB_ARRIVAL(tgid, since_ms));
}

/* A program or a process begins: forget the entry of an earlier one. */
static __always_inline void arrival_ends(__u32 tgid, __u64 before_ms)
{
	struct tnb_loader_state *state = the_loader_state();
	__u64 entry = state ? tnb_read_once(*arrival_of(state, tgid)) : 0;

	if (entry && tnb_arrival_tgid(entry) == tgid &&
	    tnb_arrival_since(entry) < before_ms)
		__sync_val_compare_and_swap(arrival_of(state, tgid), entry, 0);
}

static __always_inline void current_arrival_ends(void)
{
	arrival_ends(bpf_get_current_pid_tgid() >> 32, ~0ULL);
}

#endif
