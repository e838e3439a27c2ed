/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that comes to another rule still maps the clock page of the one
 * that it leaves. Before it moves, the page's pass is taken back: everybody
 * who maps it reads by system call, which follows the cgroup, until the loader
 * has given the process what belongs to its new rule and returned the pass.
 *
 * Moves by cgroup.procs are serialized by cgroup_mutex, so that no program
 * here can be preempted by itself on the same CPU, and none is passed by.
 */
#include "cgroup_compat.bpf.h"
#include "loader_events.bpf.h"
#include "page_pass.bpf.h"

#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

static __always_inline __u32 slot_of(struct cgroup *cgroup)
{
	__u64 id = kernfs_id(BPF_CORE_READ(cgroup, kn));
	__u32 *slot = bpf_map_lookup_elem(&cgroup_slots, &id);

	return slot ? *slot : 0;
}

static __always_inline __u32 slot_of_task(struct task_struct *task)
{
	return slot_of(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline void leave(__u32 slot)
{
	if (!slot)
		return;
	pass_take_slot(slot);
	count(TNB_COUNT_RULE_LEFT);
}

static __always_inline void tell_move(struct task_struct *task, __u32 from)
{
	struct tnb_loader_event event = {
		.kind = TNB_EVENT_MOVED,
		.tid = BPF_CORE_READ(task, pid),
		.tgid = BPF_CORE_READ(task, tgid),
		.slot = from,
	};

	if (living_loader())
		tell_loader(&event);
}

/* Between the two programs, one move at a time. */
static __u32 moving_from;

/* Threads of a threaded cgroup live in the rule of their own cgroup: with one
 * of them elsewhere, none may read the page. */
SEC("fentry/cgroup_attach_task")
int BPF_PROG(move_begins, struct cgroup *to, struct task_struct *leader)
{
	moving_from = cgroup_is_v2(to) ? slot_of_task(leader) : 0;
	if (moving_from && moving_from != slot_of(to))
		leave(moving_from);
	return 0;
}

/* Also of a move that failed: the pass is to be returned. */
SEC("fexit/cgroup_attach_task")
int BPF_PROG(move_ends, struct cgroup *to, struct task_struct *leader)
{
	if (moving_from || (cgroup_is_v2(to) && slot_of(to)))
		tell_move(leader, moving_from);
	return 0;
}

/* CLONE_INTO_CGROUP: the child has its parent's memory. Interrupts are off
 * here, which is why this program is never passed by. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(tp_born_elsewhere, struct task_struct *child)
{
	__u32 *own = current_slot();
	__u32 from = own ? *own : 0;

	if (from == slot_of_task(child))
		return 0;
	leave(from);
	tell_move(child, from);
	return 0;
}
