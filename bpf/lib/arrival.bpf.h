/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Processes that were moved into a rule and are not changed yet
 * (tnb_loader_state.arrival). */
#ifndef TIMENSBPF_BPF_LIB_ARRIVAL_BPF_H
#define TIMENSBPF_BPF_LIB_ARRIVAL_BPF_H

#include "loader_state.bpf.h"

#include <abi/latch.h>

static __always_inline __u64 *arrival_of(struct tnb_loader_state *state,
					 __u32 tgid)
{
	return &state->arrival[tgid & (TNB_ARRIVALS - 1)];
}

/* The arrival word of the current process, 0 if it has none. */
static __always_inline __u64 current_arrival(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct tnb_loader_state *state = the_loader_state();
	__u64 word = state ? tnb_read_once(*arrival_of(state, tgid)) : 0;

	return word && tnb_arrival_tgid(word) == tgid &&
			       !tnb_arrival_is_over(word, bpf_ktime_get_ns())
		       ? word
		       : 0;
}

static __always_inline void arrive(struct tnb_loader_state *state, __u32 tgid,
				   __u64 since_ms)
{
	__u64 word;

	if (!state)
		return;
	word = tnb_read_once(*arrival_of(state, tgid));
	if (!word || tnb_arrival_tgid(word) == tgid ||
	    tnb_arrival_is_over(word, bpf_ktime_get_ns()))
		tnb_write_once(*arrival_of(state, tgid),
			       TNB_ARRIVAL(tgid, since_ms));
}

/* A program or a process begins: forget the word of an earlier one. */
static __always_inline void arrival_ends(__u32 tgid, __u64 before_ms)
{
	struct tnb_loader_state *state = the_loader_state();
	__u64 word = state ? tnb_read_once(*arrival_of(state, tgid)) : 0;

	if (word && tnb_arrival_tgid(word) == tgid &&
	    tnb_arrival_since(word) < before_ms)
		tnb_write_once(*arrival_of(state, tgid), 0);
}

static __always_inline void current_arrival_ends(void)
{
	arrival_ends(bpf_get_current_pid_tgid() >> 32, ~0ULL);
}

#endif
