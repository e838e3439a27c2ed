/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: the caller's memory while it holds a translated deadline, from just
 * before the kernel copies it until just after. tests/model/deadline.pml is the
 * model of this file and of deadline.bpf.h.
 *
 * Threads may pass the same memory at once: one window for an address space
 * and address, with a count of its users. The first writes the translation,
 * the last puts the original back, whoever comes between finds the work done.
 *
 * Invariants, each under the lock of the window's group
 *  W1. A window exists if and only if its memory was changed by us.
 *  W2. Memory is written only from `original` to `translated` by who makes the
 *      window, and back by who is last to leave, if it still is `translated`.
 *  W3. What could not be put back is remembered in `stuck_windows` under the
 *      same key, for whoever passes the memory or the scheduler next. So is
 *      every window that is closed while its address space is being copied:
 *      the copy may hold the translation (deadline_fork.bpf.c).
 *
 * The lock: these programs run with preemption off (kprobe types) or in a
 * kernel without preemption, and not in interrupts. A holder runs on another
 * CPU and is a few hundred instructions from letting go; interrupts, or a
 * hypervisor that takes its CPU away, can stretch this. Waiting is bounded all
 * the same: whoever gives up leaves the memory alone and says so.
 */
#ifndef TIMENSBPF_WINDOWS_BPF_H
#define TIMENSBPF_WINDOWS_BPF_H

#include "deadline_bytes.bpf.h"
#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

#define WINDOW_GROUPS 256u
#define WINDOWS 8 /* of a group */
#define STUCK_MAX 256
#define FORKS_MAX 1024
/* About 5 ms. */
#define LOCK_TRIES (1u << 18)

struct window_key {
	__u64 mm;
	__u64 address;
};

/* A number, which is all that a key needs: no pointer to the verifier. */
static __always_inline __u64 current_mm(void)
{
	const struct task_struct *task = (void *)bpf_get_current_task();

	return (__u64)BPF_CORE_READ(task, mm);
}

struct window {
	struct window_key key; /* mm 0: free */
	struct time_bytes original, translated;
	__u32 users;
	__u32 size;
};

struct window_group {
	__u32 lock;
	__u32 pad;
	struct window window[WINDOWS];
};

struct stuck_window {
	struct time_bytes original, translated;
	__u64 size;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WINDOW_GROUPS);
	__type(key, __u32);
	__type(value, struct window_group);
} windows __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STUCK_MAX);
	__type(key, struct window_key);
	__type(value, struct stuck_window);
} stuck_windows __weak SEC(".maps");

/* Address spaces that are being copied by fork, and by how many threads. A fork
 * that fails leaves its mark: then windows are remembered for nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FORKS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} forks __weak SEC(".maps");

/* Records of threads and stuck windows together: while 0, nobody but those who
 * arm has anything to do. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} in_flight __weak SEC(".maps");

static __always_inline bool something_in_flight(void)
{
	__u32 key = 0;
	const volatile __u64 *value = bpf_map_lookup_elem(&in_flight, &key);

	return value && *value;
}

static __always_inline void in_flight_add(__s64 change)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&in_flight, &key);

	if (value)
		__sync_fetch_and_add(value, change);
}

/* ---- The lock ------------------------------------------------------------ */

static __always_inline __u32 window_group_of(const struct window_key *key)
{
	__u64 mixed = (key->address ^ key->mm) * 0x9e3779b97f4a7c15ULL;

	return (__u32)(mixed >> 56) % WINDOW_GROUPS;
}

static __always_inline bool group_try_lock(struct window_group *group)
{
	return !__sync_val_compare_and_swap(&group->lock, 0, 1);
}

static long group_lock_turn(__u32 turn, __u32 *index)
{
	struct window_group *group = bpf_map_lookup_elem(&windows, index);

	if (!group || !group_try_lock(group))
		return 0;
	*index = WINDOW_GROUPS;
	return 1;
}

/* NULL if it was not to be had. */
static __always_inline struct window_group *
group_lock(const struct window_key *key)
{
	__u32 index = window_group_of(key), turn = index;
	struct window_group *group = bpf_map_lookup_elem(&windows, &index);

	if (!group || group_try_lock(group))
		return group;
	bpf_loop(LOCK_TRIES, group_lock_turn, &turn, 0);
	return turn == WINDOW_GROUPS ? group : NULL;
}

static __always_inline void group_unlock(struct window_group *group)
{
	__sync_val_compare_and_swap(&group->lock, 1, 0);
}

/* ---- Under the lock ------------------------------------------------------ */

static __always_inline struct window *window_find(struct window_group *group,
						  __u64 mm, __u64 address)
{
#pragma unroll
	for (int i = 0; i < WINDOWS; i++)
		if (group->window[i].key.mm == mm &&
		    group->window[i].key.address == address)
			return &group->window[i];
	return NULL;
}

static __always_inline bool stuck_add(const struct window_key *key,
				      const struct stuck_window *window)
{
	bool is_new = !bpf_map_lookup_elem(&stuck_windows, key);

	if (bpf_map_update_elem(&stuck_windows, key, window, BPF_ANY)) {
		count(TNB_COUNT_DEADLINE_CHANGED);
		return false;
	}
	if (is_new)
		in_flight_add(1);
	return true;
}

static __always_inline bool stuck_remove(const struct window_key *key)
{
	if (bpf_map_delete_elem(&stuck_windows, key))
		return false;
	in_flight_add(-1);
	return true;
}

/* Is memory still what we made it? Then put the original back.
 * False: it should have been, and could not be written. */
static __always_inline bool put_back(__u64 address,
				     const struct time_bytes *original,
				     const struct time_bytes *translated,
				     __u32 size)
{
	struct time_bytes now;

	/* Unmapped meanwhile, or the process has written a time of its own. */
	if (bytes_read(&now, address, size) || !bytes_equal(&now, translated))
		return true;
	if (!bytes_write(original, address, size))
		return true;
	/* Across two pages the first may have been written. */
	bytes_write(translated, address, size);
	return false;
}

/* Try again what was stuck under `key`. */
static __always_inline void stuck_retry(struct window_key *key)
{
	struct window_group *group = group_lock(key);
	struct stuck_window *stuck;

	if (!group)
		return;
	stuck = bpf_map_lookup_elem(&stuck_windows, key);
	if (stuck && put_back(key->address, &stuck->original,
			      &stuck->translated, (__u32)stuck->size))
		stuck_remove(key);
	group_unlock(group);
}

#endif
