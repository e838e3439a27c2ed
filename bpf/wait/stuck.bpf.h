/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Memory that could not be put back when its window was closed: its page has
 * become copy-on-write by a fork, or is away. What it was is remembered under
 * the address and what it holds, so that the next deadline there is read as
 * what it was, and put back as soon as that can be.
 *
 * While an address space is being copied by fork the copy may hold what the
 * original does not any more: every window that is closed meanwhile is noted,
 * and nothing is removed (deadline_fork.bpf.c hands it on to the child). The
 * mark of the fork is read after memory was written: whoever does not see it
 * has written before the copy began.
 */
#ifndef TIMENSBPF_BPF_WAIT_STUCK_BPF_H
#define TIMENSBPF_BPF_WAIT_STUCK_BPF_H

#include "windows.bpf.h"

#define STUCK_MAX 512
#define FORKS_MAX 1024

struct stuck_key {
	struct window_key key;
	struct time_bytes translated;
};

struct stuck_window {
	struct time_bytes original;
	__u32 size;
	__u32 changed; /* memory does hold the translation, or may */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STUCK_MAX);
	__type(key, struct stuck_key);
	__type(value, struct stuck_window);
} stuck_windows __weak SEC(".maps");

/* Address spaces that are being copied, and how many times. Never removed, so
 * that a count is not lost: the least used make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FORKS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} forks __weak SEC(".maps");

static __always_inline bool is_forking(__u64 mm)
{
	const volatile __u64 *forking = bpf_map_lookup_elem(&forks, &mm);

	return forking && *forking;
}

static __always_inline void stuck_add(const struct stuck_key *key,
				      const struct stuck_window *window)
{
	long err =
		bpf_map_update_elem(&stuck_windows, key, window, BPF_NOEXIST);

	if (!err)
		in_flight_add(1);
	/* There already: one that may be changed outweighs one that is not. */
	else if (bpf_map_update_elem(&stuck_windows, key, window, BPF_EXIST))
		count(TNB_COUNT_DEADLINE_CHANGED);
}

static __always_inline void stuck_remove(const struct stuck_key *key)
{
	if (!bpf_map_delete_elem(&stuck_windows, key))
		in_flight_add(-1);
}

static __always_inline void stuck_put(const struct window_key *where,
				      const struct time_bytes *original,
				      const struct time_bytes *translated,
				      __u32 size, bool changed)
{
	struct stuck_key key = { .key = *where, .translated = *translated };
	struct stuck_window stuck = {
		.original = *original,
		.size = size,
		.changed = changed,
	};

	stuck_add(&key, &stuck);
}

/* Under the lock of the key's group. */
static __always_inline void stuck_settle(struct stuck_key *key,
					 const struct stuck_window *stuck)
{
	struct time_bytes original = stuck->original, now = key->translated;
	bool changed = stuck->changed;

	switch (put_back(key->key.address, &original, &now, stuck->size)) {
	case PUT_FAILED:
		if (bytes_equal(&now, &key->translated))
			return;
		stuck_put(&key->key, &original, &now, stuck->size, true);
		break;
	case PUT_OTHER:
		/* What was stored may have been reckoned from what we left. */
		if (changed)
			count(TNB_COUNT_DEADLINE_CHANGED);
		break;
	case PUT_BACK:
		break;
	}
	stuck_remove(key);
}

/* Try again what was stuck under `key`, of the current address space. */
static __always_inline void stuck_retry(struct stuck_key *key)
{
	struct window_group *group;
	struct stuck_window *stuck;

	if (is_forking(key->key.mm))
		return;
	group = group_lock(&key->key);
	if (!group)
		return;
	stuck = bpf_map_lookup_elem(&stuck_windows, key);
	/* Who has a window there puts it back. */
	if (stuck && !window_find(group, &key->key))
		stuck_settle(key, stuck);
	group_unlock(group);
}

#endif
