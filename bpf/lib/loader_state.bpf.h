/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Is a loader running? */
#ifndef TIMENSBPF_BPF_LIB_LOADER_STATE_BPF_H
#define TIMENSBPF_BPF_LIB_LOADER_STATE_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <abi/channel.h>
#include <abi/latch.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tnb_loader_state);
} loader_state __weak SEC(".maps");

static __always_inline struct tnb_loader_state *the_loader_state(void)
{
	const __u32 key = 0;

	return bpf_map_lookup_elem(&loader_state, &key);
}

static __always_inline bool beat_within(const struct tnb_loader_state *state,
					enum tnb_beat beat, __u64 limit_ns)
{
	/* A beat may be newer than `now`. */
	return (__s64)(bpf_ktime_get_ns() -
		       tnb_read_once(state->beat_ns[beat])) < (__s64)limit_ns;
}

/* A guard that saw its loader die leaves 0. */
static __always_inline bool
loader_beats_within(const struct tnb_loader_state *state, __u64 limit_ns)
{
	return beat_within(state, TNB_BEAT_LOADER, limit_ns) &&
	       beat_within(state, TNB_BEAT_GUARD, TNB_BEAT_GONE_NS);
}

/* NULL unless a loader is alive: a thread may be held for it. */
static __always_inline struct tnb_loader_state *living_loader(void)
{
	struct tnb_loader_state *state = the_loader_state();

	return state && loader_beats_within(state, TNB_BEAT_LIMIT_NS) ? state
								      : NULL;
}

/* The same with a longer limit, for all that can wait: a machine may
 * have stood still for a moment. */
static __always_inline struct tnb_loader_state *some_loader(void)
{
	struct tnb_loader_state *state = the_loader_state();

	return state && loader_beats_within(state, TNB_BEAT_GONE_NS) ? state
								     : NULL;
}

#endif
