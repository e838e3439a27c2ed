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
 * (arrival.bpf.h). A function of its own, as clock_page_of(). */
static __attribute__((noinline, unused)) struct tnb_clock_page *
current_page(void)
{
	__u32 *own = current_slot(), slot = own ? tnb_read_once(*own) : 0;
	struct tnb_clock_page *page;
	struct tnb_arrival arrival;

	if (!own)
		return NULL;
	arrival = current_arrival_after(slot);
	if (!arrival.entry)
		return clock_page_of(slot);
	if (!arrival.from)
		return NULL;
	page = clock_page_of(tnb_arrival_from_slot(arrival.from));
	/* That rule has ended, and the slot has another. */
	if (!page ||
	    page->generation != tnb_arrival_from_generation(arrival.from))
		page = clock_page_of(slot);
	return page;
}

#endif
