/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clock pages from user space: read through the map; only the BPF program
 * page_write writes them. */
#ifndef TIMENSBPF_LOADER_RULES_CLOCK_PAGE_H
#define TIMENSBPF_LOADER_RULES_CLOCK_PAGE_H

#include "handle.h"

#include <stdint.h>

struct tnb_offsets {
	int64_t ns[TNB_CLOCKS];
};

/* The offsets that the page of a slot shows; all 0 for slot 0. Under the lock.
 */
struct tnb_offsets tnb_clock_page_offsets(const struct tnb *tnb, __u32 slot);

/* Id of the cgroup whose rule has the slot; 0: it is free. */
uint64_t tnb_clock_page_owner(const struct tnb *tnb, __u32 slot);

/* Give a slot that is free a new page for a rule that is to begin, with these
 * offsets and no owner yet. Under the lock. */
TNB_MUST_CHECK int tnb_clock_page_make(struct tnb *tnb, __u32 slot,
				       const struct tnb_offsets *offsets);
/* Write the page of a slot. owner 0: its rule has ended. `revocations`: for a
 * rule that begins, tnb_clock_page_revocations() of its new page; else 0. */
TNB_MUST_CHECK int tnb_clock_page_store(struct tnb *tnb, __u32 slot,
					uint64_t owner, uint64_t revocations,
					const struct tnb_offsets *offsets);
/* How often the pass was revoked. */
uint64_t tnb_clock_page_revocations(const struct tnb *tnb, __u32 slot);

/* Revoke the pass of a slot: processes that map its page make system calls then
 * (P5 of abi/page.h). */
TNB_MUST_CHECK int tnb_clock_page_pass_revoke(struct tnb *tnb, __u32 slot);
/* Return the pass. -EAGAIN, without a message: it is not `seen` any more. Under
 * the lock. */
TNB_MUST_CHECK int tnb_clock_page_pass_return(struct tnb *tnb, __u32 slot,
					      uint64_t seen);
/* The pass as it is now. */
uint64_t tnb_clock_page_pass(const struct tnb *tnb, __u32 slot);
/* The number that the pass has while it is not revoked. */
uint64_t tnb_clock_page_generation(const struct tnb *tnb, __u32 slot);
/* Whether the pass is not revoked. */
bool tnb_clock_page_pass_is_valid(const struct tnb *tnb, __u32 slot);

#endif
