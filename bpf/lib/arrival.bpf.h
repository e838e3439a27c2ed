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

static __always_inline __u64 *arrival_from_of(struct tnb_loader_state *state,
					      __u32 tgid)
{
	return &state->arrival_from[tgid & (TNB_ARRIVALS - 1)];
}

struct tnb_arrival {
	__u64 entry; /* 0: it is not arriving */
	__u64 from;  /* TNB_ARRIVAL_FROM of the page whose time it has, 0: the
		      * host's */
};

/*
 * Read behind the load of `before`: a process is written down here before it
 * comes to its new cgroup. If the entry is the same behind the load of where it
 * came from, that belongs to it: another process can take the place only once
 * the entry has gone. (Two that take it at the same moment are told apart by
 * their ids.)
 */
static __always_inline struct tnb_arrival current_arrival_after(__u64 before)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct tnb_loader_state *state = the_loader_state();
	struct tnb_arrival none = { 0 }, arrival;

	if (!state)
		return none;
	arrival.entry = tnb_load_after(*arrival_of(state, tgid), before);
	if (!arrival.entry || tnb_arrival_tgid(arrival.entry) != tgid ||
	    tnb_arrival_is_over(arrival.entry, bpf_ktime_get_ns()))
		return none;
	arrival.from =
		tnb_load_after(*arrival_from_of(state, tgid), arrival.entry);
	return tnb_load_after(*arrival_of(state, tgid), arrival.from) ==
				       arrival.entry &&
			       tnb_arrival_from_is_of(arrival.from, tgid)
		       ? arrival
		       : none;
}

static __always_inline struct tnb_arrival current_arrival(void)
{
	return current_arrival_after(0);
}

/* `from`: as in tnb_arrival; one that is arriving already still comes from
 * where it came from first. */
static __always_inline void arrive(struct tnb_loader_state *state, __u32 tgid,
				   __u64 since_ms, __u64 from)
{
	__u64 entry;
	bool is_over;

	if (!state)
		return;
	entry = tnb_read_once(*arrival_of(state, tgid));
	is_over = !entry || tnb_arrival_is_over(entry, bpf_ktime_get_ns());
	if (!is_over && tnb_arrival_tgid(entry) != tgid)
		return;
	if (is_over)
		order_store(arrival_from_of(state, tgid), from);
	order_store(arrival_of(state, tgid), TNB_ARRIVAL(tgid, since_ms));
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
