/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A window is memory of the caller while it holds a translated deadline, from
 * just before the kernel copies it until just after. tests/model/deadline.pml
 * is the model of this file and of deadline.bpf.h.
 *
 * Several threads may use the same memory at once. So there is one window for
 * an address space and address, with a count of its users. The first user
 * writes the translation, the last puts the original back.
 *
 * Invariants, each under the lock of the window's group
 *  W1. A window exists if and only if its memory was changed by us.
 *  W2. Memory is written only from `original` to `translated` by the first
 * user, and back by the last one, if it still is `translated`. W3. What could
 * not be put back is remembered in `stuck_windows` under the same key, for the
 * next deadline there or the scheduler's program. So is every window that is
 * closed while its address space is being copied: the copy may hold the
 * translation (deadline_fork.bpf.c).
 *
 * The lock: these programs run with preemption off (kprobe types) or in a
 * kernel without preemption, and not in interrupts. So its holder runs on
 * another CPU and releases it within a few hundred instructions, unless an
 * interrupt or a hypervisor stops that CPU. Waiting is bounded all the same. A
 * program that gives up does not change memory, and the deadline counts as
 * lost.
 */
#ifndef TIMENSBPF_BPF_WAIT_WINDOWS_BPF_H
#define TIMENSBPF_BPF_WAIT_WINDOWS_BPF_H

#include "deadline_bytes.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/once.bpf.h"
#include "lib/order.bpf.h"

#include <bpf/bpf_core_read.h>

#define WINDOW_GROUPS 64u
#define WINDOWS 8 /* of a group */
/* About 5 ms. */
#define LOCK_TRIES (1u << 18)

struct window_key {
	__u64 mm;
	__u64 address;
};

/* As a number, because the verifier allows no pointer as a key. */
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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WINDOW_GROUPS);
	__type(key, __u32);
	__type(value, struct window_group);
} windows __weak SEC(".maps");

/* Number of records and stuck windows. While it is 0, only programs that begin
 * a deadline have anything to do. It is raised before memory is changed. */
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
		order_add(value, change);
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

/* NULL if the lock was not available. */
static __always_inline struct window_group *group_lock_at(__u32 index)
{
	struct window_group *group = bpf_map_lookup_elem(&windows, &index);
	__u32 turn = index;

	if (!group || group_try_lock(group))
		return group;
	bpf_loop(LOCK_TRIES, group_lock_turn, &turn, 0);
	return turn == WINDOW_GROUPS ? group : NULL;
}

static __always_inline struct window_group *
group_lock(const struct window_key *key)
{
	return group_lock_at(window_group_of(key));
}

static __always_inline void group_unlock(struct window_group *group)
{
	__sync_val_compare_and_swap(&group->lock, 1, 0);
}

/* ---- Under the lock ------------------------------------------------------ */

/* The index of the window, or WINDOWS. Under the lock. */
TNB_ONCE __u32 window_index(__u32 at, __u64 mm, __u64 address)
{
	struct window_group *group = bpf_map_lookup_elem(&windows, &at);

	if (!group)
		return WINDOWS;
	for (__u32 i = 0; i < WINDOWS; i++)
		if (group->window[i].key.mm == mm &&
		    group->window[i].key.address == address)
			return i;
	return WINDOWS;
}

static __always_inline struct window *window_at(struct window_group *group,
						const struct window_key *key,
						__u64 mm, __u64 address)
{
	__u32 i = window_index(window_group_of(key), mm, address);

	if (i >= WINDOWS)
		return NULL;
	/* The verifier does not use the comparison here, but the mask. */
	barrier_var(i);
	return &group->window[i & (WINDOWS - 1)];
}

static __always_inline struct window *window_find(struct window_group *group,
						  const struct window_key *key)
{
	return window_at(group, key, key->mm, key->address);
}

/* A free place in the group of `key`, or NULL. */
static __always_inline struct window *window_free(struct window_group *group,
						  const struct window_key *key)
{
	return window_at(group, key, 0, 0);
}

enum put {
	PUT_BACK,   /* memory holds the original */
	PUT_FAILED, /* memory cannot be read or written now */
	PUT_OTHER,  /* the process has stored a time of its own */
};

/*
 * Put the original back if memory still holds the translation. If only half of
 * it can be written, `*translated` becomes what memory holds: a page can become
 * unwritable between the two words, or a time can extend over two pages.
 */
TNB_ONCE int put_back(__u64 address, const struct time_bytes *original,
		      struct time_bytes *translated, __u32 size)
{
	struct time_bytes now;

	if (!original || !translated)
		return PUT_FAILED;

	/* The page may be absent for a moment only. */
	if (bytes_read(&now, address, size))
		return PUT_FAILED;
	if (bytes_equal(&now, original))
		return PUT_BACK;
	if (!bytes_equal(&now, translated))
		return PUT_OTHER;
	if (!bytes_write(original, address, size))
		return PUT_BACK;
	if (bytes_write(translated, address, size) &&
	    !bytes_read(&now, address, size))
		*translated = now;
	return bytes_equal(&now, original) ? PUT_BACK : PUT_FAILED;
}

#endif
