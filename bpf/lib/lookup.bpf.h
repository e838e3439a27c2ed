/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* From the current task to the clock page of its rule. */
#ifndef TIMENSBPF_BPF_LIB_LOOKUP_BPF_H
#define TIMENSBPF_BPF_LIB_LOOKUP_BPF_H

#include "arrival.bpf.h"
#include "maps.bpf.h"

/* The slot of the current task's cgroup (v2), NULL if it has no rule. Tasks
 * without a rule pay one hash miss. */
static __always_inline __u32 *current_slot(void)
{
	__u64 id = bpf_get_current_cgroup_id();

	return bpf_map_lookup_elem(&cgroup_slots, &id);
}

static __always_inline bool current_is_virtual(void)
{
	return current_slot() != NULL;
}

/* NULL: the current task has the host's time, or has it until it is changed
 * (arrival.bpf.h). */
static __always_inline struct tnb_clock_page *current_page(void)
{
	__u32 *own = current_slot(), slot = own ? tnb_read_once(*own) : 0;
	struct tnb_arrival arrival;

	if (!own)
		return NULL;
	arrival = current_arrival_after(slot);
	if (arrival.entry)
		slot = arrival.from;
	return slot ? clock_page_of(slot) : NULL;
}

#endif
