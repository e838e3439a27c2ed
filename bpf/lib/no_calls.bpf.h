/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Rules whose processes may not all make system calls (P6 of page.h). */
#ifndef TIMENSBPF_BPF_LIB_NO_CALLS_BPF_H
#define TIMENSBPF_BPF_LIB_NO_CALLS_BPF_H

#include "loader_state.bpf.h"
#include "maps.bpf.h"

static __always_inline __u8 *no_calls_of(struct tnb_loader_state *state,
					 __u32 slot)
{
	return &state->no_calls[slot & (TNB_SLOTS - 1)];
}

static __always_inline void no_calls_begin(__u32 slot)
{
	struct tnb_loader_state *state = the_loader_state();
	struct tnb_clock_page *page = clock_page_of(slot);

	if (!state || !page)
		return;
	*no_calls_of(state, slot) = 1;
	page->no_calls = 1;
}

static __always_inline bool has_no_calls(__u32 slot)
{
	struct tnb_loader_state *state = the_loader_state();

	return state && slot && tnb_read_once(*no_calls_of(state, slot));
}

#endif
