/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Stuck memory: it could not be put back when its window was closed, because a
 * fork made its page copy-on-write, or because the page is not present. The
 * original is remembered under the address and the bytes that memory holds. The
 * next deadline there is read as the original, and memory is put back as soon
 * as it can be.
 *
 * While fork copies an address space, the copy may keep a translation that the
 * original no longer holds. So every window that is closed meanwhile is noted,
 * and nothing is removed: deadline_fork.bpf.c gives it to the child. The mark
 * of the fork is read after memory was written. A program that does not see the
 * mark has written before the copy began.
 */
#ifndef TIMENSBPF_BPF_WAIT_STUCK_BPF_H
#define TIMENSBPF_BPF_WAIT_STUCK_BPF_H

#include "lib/call_end.bpf.h"
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
	__u32 changed; /* memory holds the translation, or may hold it */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STUCK_MAX);
	__type(key, struct stuck_key);
	__type(value, struct stuck_window);
} stuck_windows __weak SEC(".maps");

/* Address space -> how many forks copy it now. Entries are not removed, so that
 * no count is lost: the map drops the least used. */
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
	/* The entry exists: replace it, because memory may be changed now. */
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

/* Memory holds the translation no more. While it is copied, the entry stays for
 * the copy. */
static __always_inline void
stuck_end(struct stuck_key *key, const struct time_bytes *original, __u32 size)
{
	if (is_forking(key->key.mm))
		stuck_put(&key->key, original, &key->translated, size, false);
	else
		stuck_remove(key);
}

/* Under the lock of the key's group. False: memory could not be put back, and
 * `*key` is what it is stuck under now. */
static __always_inline bool stuck_settle(struct stuck_key *key,
					 const struct stuck_window *stuck)
{
	struct time_bytes original = stuck->original, now = key->translated;
	__u32 size = stuck->size;
	bool changed = stuck->changed;
	int put = put_back(key->key.address, &original, &now, size);

	if (put == PUT_FAILED && bytes_equal(&now, &key->translated))
		return false;
	if (put == PUT_FAILED)
		stuck_put(&key->key, &original, &now, size, true);
	/* The process may have computed its new time from ours. */
	if (put == PUT_OTHER && changed)
		count(TNB_COUNT_DEADLINE_CHANGED);
	stuck_end(key, &original, size);
	key->translated = now;
	return put != PUT_FAILED;
}

/* Try again to put back what is stuck under `key`, which is of the current
 * address space. */
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
	/* If there is a window, closing it puts memory back. */
	if (stuck && !window_find(group, &key->key))
		stuck_settle(key, stuck);
	group_unlock(group);
}

/* Put back what is stuck under `key` now, after its memory was made writable.
 * False if that fails. */
static __always_inline bool stuck_put_back(struct stuck_key *key)
{
	struct window_group *group = group_lock(&key->key);
	struct stuck_window *stuck;
	bool is_back;

	if (!group)
		return false;
	stuck = bpf_map_lookup_elem(&stuck_windows, key);
	/* Another thread has put it back, or will when it closes the window. */
	is_back = !stuck || window_find(group, &key->key) ||
		  stuck_settle(key, stuck);
	group_unlock(group);
	return is_back;
}

/* What a window that was closed has left stuck; size 0: nothing. */
struct stuck_left {
	struct stuck_key key;
	__u32 size;
	__u32 pad;
};

/* Where the thread cannot wait for the loader, it is stopped on its way to user
 * mode, once memory is writable: then deadline_restore.bpf.c tries again. What
 * is stuck was counted before (abi/hold.h, H6). (The event is filled here and
 * in call_again(): a function for both has not enough stack.) */
TNB_ONCE int stuck_settle_later(const struct stuck_left *left)
{
	struct tnb_loader_event event;
	__u32 *slot = current_slot();
	enum mendable mendable;

	if (!left || !slot || !living_loader())
		return 0;
	mendable = memory_can_mend(left->key.key.address);
	if (mendable == MEND_NEVER)
		return 0;
	event = event_of_current(TNB_EVENT_CALL, *slot);
	event.task = TNB_CALL_SETTLE;
	event.is_locked = mendable == MEND_LATER;
	event.compat = current_call_is_compat();
	event.address = left->key.key.address;
	event.size = left->size;
	event.bytes[0] = left->key.translated.word[0];
	event.bytes[1] = left->key.translated.word[1];
	call_returns_to(&event);
	return call_hold(&event);
}

/* Without the lock: the thread may be held. True: memory is as it was. */
TNB_ONCE int stuck_mend(const struct stuck_left *left)
{
	struct stuck_key key;

	if (!left)
		return true;
	key = left->key;
#pragma clang loop unroll(full)
	for (int i = 0; i < MENDS_MAX; i++) {
		if (!memory_mend(key.key.address, left->size))
			break;
		if (stuck_put_back(&key))
			return true;
	}
	count(TNB_COUNT_DEADLINE_STUCK);
	return false;
}

#endif
