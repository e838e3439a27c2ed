/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A fork may copy memory while a deadline of another thread is translated in
 * it. The child puts its copy back as soon as the page can be written, which a
 * page shared copy-on-write cannot. Until then its deadlines are read as what
 * they were before.
 *
 * While the copy is under way, all windows of the address space are noted
 * (stuck.bpf.h). The LSM hook comes before the copy, and the wake-up of the
 * child after it. The kernel skips neither: sched_wakeup_new runs with
 * interrupts off. A fork that fails ends with lsm/task_free.
 */
#include "stuck.bpf.h"

#include "lib/lookup.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_CLONE_VM 0x100 /* include/uapi/linux/sched.h */

/* The new task -> the address space that is copied for it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORKS_MAX);
	__type(key, __u64);
	__type(value, __u64);
} fork_of SEC(".maps");

/* Without the BPF LSM there are no marks, and a window that is closed during
 * the copy is forgotten. */
SEC("lsm/task_alloc")
int BPF_PROG(lsm_task_alloc, struct task_struct *task, unsigned long flags)
{
	__u64 key = (__u64)task, mm, none = 0, *forking;

	if (flags & TNB_CLONE_VM || !current_is_virtual())
		return 0;
	/* During an upgrade, the program of the other version has marked it. */
	if (bpf_map_lookup_elem(&fork_of, &key))
		return 0;
	mm = current_mm();
	bpf_map_update_elem(&forks, &mm, &none, BPF_NOEXIST);
	forking = bpf_map_lookup_elem(&forks, &mm);
	if (!forking || bpf_map_update_elem(&fork_of, &key, &mm, BPF_ANY)) {
		count(TNB_COUNT_DEADLINE_CHANGED);
		return 0;
	}
	order_add(forking, 1);
	return 0;
}

static __always_inline void fork_ends(__u64 task)
{
	__u64 *mm = bpf_map_lookup_elem(&fork_of, &task), *forking;
	__u64 key;

	if (!mm)
		return;
	key = *mm;
	if (bpf_map_delete_elem(&fork_of, &task))
		return;
	forking = bpf_map_lookup_elem(&forks, &key);
	if (forking)
		order_add(forking, -1);
}

SEC("lsm/task_free")
int BPF_PROG(lsm_task_free, struct task_struct *task)
{
	fork_ends((__u64)task);
	return 0;
}

struct copied {
	__u64 parent, child;
};

static __always_inline void inherit(const struct copied *copied,
				    const struct stuck_key *from,
				    const struct stuck_window *window)
{
	struct stuck_key key = *from;
	struct stuck_window mine = *window;

	key.key.mm = copied->child;
	mine.changed = true;
	count(TNB_COUNT_DEADLINE_FORKED);
	stuck_add(&key, &mine);
}

static long inherit_group(__u32 index, struct copied *copied)
{
	struct window_group *group = group_lock_at(index);

	if (!group) {
		count(TNB_COUNT_DEADLINE_CHANGED);
		return 0;
	}
	for (int i = 0; i < WINDOWS; i++) {
		struct window *window = &group->window[i];
		struct stuck_key key = {
			.key = window->key,
			.translated = window->translated,
		};
		struct stuck_window stuck = {
			.original = window->original,
			.size = window->size,
		};

		if (key.key.mm == copied->parent)
			inherit(copied, &key, &stuck);
	}
	group_unlock(group);
	return 0;
}

static long inherit_stuck(void *map, struct stuck_key *key,
			  struct stuck_window *stuck, struct copied *copied)
{
	if (key->key.mm == copied->parent)
		inherit(copied, key, stuck);
	return 0;
}

/*
 * Windows come first, each group under its lock, and then what is stuck. A
 * window that is closed between the two becomes stuck, because the mark is
 * still set. in_flight counts a deadline before its memory is written. If it is
 * 0 here, after the copy, no memory was changed while it was copied.
 */
static __always_inline void inherit_all(struct task_struct *child)
{
	struct copied copied = { .parent = current_mm() };

	bpf_probe_read_kernel(&copied.child, sizeof(copied.child), &child->mm);
	if (!copied.child || copied.child == copied.parent ||
	    !something_in_flight())
		return;
	bpf_loop(WINDOW_GROUPS, inherit_group, &copied, 0);
	bpf_for_each_map_elem(&stuck_windows, inherit_stuck, &copied, 0);
}

/* The mark is removed even if the parent has left its rule meanwhile. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(tp_sched_wakeup_new, struct task_struct *child)
{
	if (current_is_virtual())
		inherit_all(child);
	fork_ends((__u64)child);
	return 0;
}
