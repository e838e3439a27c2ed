/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fork copies memory in which another thread is just having a deadline
 * translated. The child's copy is put back by the child, as soon as its page
 * can be written (a page that is shared copy-on-write cannot, see windows.bpf.h
 * W3): until then its deadlines are read as what they were before.
 *
 * While the copy is under way (from the LSM hook, which is before it, until the
 * child is woken, which is after it) every window of the address space is kept
 * in mind, also those that are closed meanwhile. Neither hook is ever passed
 * by: sched_wakeup_new runs with interrupts off.
 */
#include "deadline.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_CLONE_VM 0x100 /* include/uapi/linux/sched.h */

/* Without the BPF LSM the mark is missing: a window that is closed within the
 * copy is then forgotten. */
SEC("lsm/task_alloc")
int BPF_PROG(lsm_task_alloc, struct task_struct *task, unsigned long flags)
{
	__u64 mm, one = 1, *forking;

	if (flags & TNB_CLONE_VM || !current_is_virtual())
		return 0;
	mm = current_mm();
	forking = bpf_map_lookup_elem(&forks, &mm);
	if (forking)
		__sync_fetch_and_add(forking, 1);
	else
		bpf_map_update_elem(&forks, &mm, &one, BPF_ANY);
	return 0;
}

struct copied {
	__u64 parent, child;
};

static __always_inline void inherit(const struct copied *copied, __u64 address,
				    const struct stuck_window *window)
{
	struct window_key key = { .mm = copied->child, .address = address };

	count(TNB_COUNT_DEADLINE_FORKED);
	stuck_add(&key, window);
}

static long inherit_group(void *map, __u32 *index, struct window_group *group,
			  struct copied *copied)
{
	for (int i = 0; i < WINDOWS; i++) {
		struct window *window = &group->window[i];
		struct stuck_window stuck;

		if (window->key.mm != copied->parent)
			continue;
		stuck.original = window->original;
		stuck.translated = window->translated;
		stuck.size = window->size;
		inherit(copied, window->key.address, &stuck);
	}
	return 0;
}

static long inherit_stuck(void *map, struct window_key *key,
			  struct stuck_window *stuck, struct copied *copied)
{
	struct stuck_window mine = *stuck;

	if (key->mm == copied->parent)
		inherit(copied, key->address, &mine);
	return 0;
}

static __always_inline void fork_ends(__u64 mm)
{
	__u64 *forking = bpf_map_lookup_elem(&forks, &mm);

	if (forking && __sync_fetch_and_add(forking, -1) <= 1)
		bpf_map_delete_elem(&forks, &mm);
}

/*
 * Windows first, then what is stuck: a window that is closed between the two
 * is in the second, as the mark is still there. A window that is only just
 * being made may be read half-made: memory of the child is changed only where
 * it is exactly the translation.
 */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(tp_sched_wakeup_new, struct task_struct *child)
{
	struct copied copied = { .parent = current_mm() };

	if (!current_is_virtual())
		return 0;
	bpf_probe_read_kernel(&copied.child, sizeof(copied.child), &child->mm);
	if (!copied.child || copied.child == copied.parent)
		return 0;
	if (something_in_flight()) {
		bpf_for_each_map_elem(&windows, inherit_group, &copied, 0);
		bpf_for_each_map_elem(&stuck_windows, inherit_stuck, &copied,
				      0);
	}
	fork_ends(copied.parent);
	return 0;
}
