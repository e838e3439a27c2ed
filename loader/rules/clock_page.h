/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clock pages from user space: read through the map, written by BPF only. */
#ifndef TIMENSBPF_LOADER_RULES_CLOCK_PAGE_H
#define TIMENSBPF_LOADER_RULES_CLOCK_PAGE_H

#include "handle.h"

#include <stdint.h>

struct tnb_offsets {
	int64_t ns[TNB_CLOCKS];
};

/* The offsets of a slot; 0 is the identity. */
struct tnb_offsets tnb_clock_page_offsets(const struct tnb *tnb, __u32 slot);

/* Cgroup id of the rule that has the slot, 0: free. */
uint64_t tnb_clock_page_owner(const struct tnb *tnb, __u32 slot);

/* `taken`: tnb_clock_page_taken() as it was when the slot was stored without an
 * owner, for the owner who comes then. */
TNB_MUST_CHECK int tnb_clock_page_store(struct tnb *tnb, __u32 slot,
					uint64_t owner, uint64_t taken,
					const struct tnb_offsets *offsets);
uint64_t tnb_clock_page_taken(const struct tnb *tnb, __u32 slot);

/* Send all who map the page of a slot to system calls (P5 of clock_page.h). */
TNB_MUST_CHECK int tnb_clock_page_pass_revoke(struct tnb *tnb, __u32 slot);
/* End that, unless the pass is no longer `seen`: -EAGAIN, without message.
 * Under the lock of the rules. */
TNB_MUST_CHECK int tnb_clock_page_pass_return(struct tnb *tnb, __u32 slot,
					      uint64_t seen);
/* The pass as it is now. */
uint64_t tnb_clock_page_pass(const struct tnb *tnb, __u32 slot);
/* The number that it has while it is given. */
uint64_t tnb_clock_page_generation(const struct tnb *tnb, __u32 slot);
/* Whether it is given. */
bool tnb_clock_page_pass_is_given(const struct tnb *tnb, __u32 slot);

#endif
