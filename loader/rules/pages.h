/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maps that the clock pages are, one of a single entry for each slot that
 * ever had a rule, and what of them is mapped here. Other processes may give a
 * slot a new page at any time under the lock of the rules; so a page is asked
 * for anew each time. Several threads may ask.
 */
#ifndef TIMENSBPF_LOADER_RULES_PAGES_H
#define TIMENSBPF_LOADER_RULES_PAGES_H

#include <abi/channel.h>
#include <abi/page.h>
#include <timensbpf/timensbpf.h>

struct tnb_pages;

/* `state` is borrowed. *pages is to be closed with tnb_pages_close(). */
TNB_MUST_CHECK int tnb_pages_open(struct tnb_loader_state *state,
				  struct tnb_pages **pages);
void tnb_pages_close(struct tnb_pages **pages);

/* For tests without BPF: page `slot` of this file is the page of `slot`. */
TNB_MUST_CHECK int tnb_pages_open_file(int file, struct tnb_pages **pages);

/* An owner of a page that cannot be mapped here, for want of memory or rights.
 */
#define TNB_OWNER_UNKNOWN (~0ULL)

/* The page of a slot as it is now; all zeros if it never had a rule, or with
 * TNB_OWNER_UNKNOWN and else zeros. */
const struct tnb_clock_page *tnb_pages_at(struct tnb_pages *pages, __u32 slot);

/* Its map, to be closed; and where in it the page is. Or a negative errno. */
TNB_MUST_CHECK int tnb_pages_map(struct tnb_pages *pages, __u32 slot,
				 __u64 *offset);

/* Give the slot a new page, all zeros, which only BPF programs can write.
 * `clock_pages`: the map of maps. Under the lock. */
TNB_MUST_CHECK int tnb_pages_make(struct tnb_pages *pages, int clock_pages,
				  __u32 slot);

/* In the child of a fork: another thread of the parent may have been asking. */
void tnb_pages_after_fork(struct tnb_pages *pages);

#endif
