/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A process that comes to another rule still maps the clock page of the one
 * that it leaves. Before it moves, the page's pass is revoked: all processes
 * that map it read by system call, which follows the cgroup, until the loader
 * has given the process what belongs to its new rule and returned the pass.
 *
 * A process that comes from outside reads the host's vDSO, and keeps the host's
 * time for the moment that the loader needs to change it (arrival.bpf.h). One
 * that comes from a rule whose page is read without the pass keeps that rule's.
 *
 * Moves by cgroup.procs are serialized by cgroup_mutex, so that no program
 * here can be preempted by itself on the same CPU, and none is skipped.
 */
#include "lib/cgroup_compat.bpf.h"
#include "lib/loader_events.bpf.h"
#include "lib/no_calls.bpf.h"
#include "lib/page_pass.bpf.h"
#include "lib/threads.bpf.h"

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

/* ---- Where a process lives ----------------------------------------------- */

#define TNB_PF_EXITING 0x4 /* include/linux/sched.h */

/* More rules than the threads of one process are in. */
#define RULES_MAX 8

struct rules {
	__u32 slot[RULES_MAX];
	__u32 count; /* above RULES_MAX: there are more */
};

struct residence {
	struct tnb_thread_walk walk;
	struct rules rules; /* that its threads live in */
	bool is_alive;	    /* at least one thread is */
};

static __always_inline void add_rule(struct rules *rules, __u32 slot)
{
	for (__u32 i = 0; i < RULES_MAX; i++)
		if (i < rules->count && rules->slot[i] == slot)
			return;
	if (rules->count < RULES_MAX) {
		__u32 last = rules->count;

		/* The compiler knows the bound, the verifier has to see it. */
		__asm__ volatile("" : "+r"(last));
		rules->slot[last & (RULES_MAX - 1)] = slot;
	}
	if (rules->count <= RULES_MAX)
		rules->count++;
}

/* One that has ended stays where it was, and reads no clock. */
static __always_inline void look_at(struct task_struct *task,
				    struct residence *residence)
{
	__u32 slot;

	if (BPF_CORE_READ(task, flags) & TNB_PF_EXITING)
		return;
	residence->is_alive = true;
	slot = slot_of_task(task);
	if (slot)
		add_rule(&residence->rules, slot);
}

/*
 * Of the process that moves, one at a time. In a map, not on the stack:
 * before 6.7 the verifier walks through the callback of bpf_loop() once, takes
 * what the stack holds then for what it holds in all turns, and removes the
 * branches that are not taken. With a count that is 0 there, no turn would
 * compare or stop: slots would be written over the stack, of which the kernel
 * dies. What is read from a map can be anything.
 */
static struct residence leaving;

static long look_at_next(__u64 index, void *unused)
{
	struct task_struct *thread = threads_next(&leaving.walk);

	if (!thread)
		return 1;
	look_at(thread, &leaving);
	return 0;
}

/* All threads: the first one may have ended long ago, where it lived then. */
static __always_inline void look_at_all(struct task_struct *leader)
{
	leaving.walk = threads_of(leader);
	bpf_loop(TNB_THREADS_MAX, look_at_next, NULL, 0);
}

/* ---- Leaving it ---------------------------------------------------------- */

static long pass_revoke_next(__u64 slot, void *unused)
{
	pass_revoke_slot((__u32)slot);
	return 0;
}

/* Those but `to`. Returns whether there are any. */
static __always_inline bool passes_revoke(const struct rules *rules, __u32 to)
{
	bool any = false;

	if (rules->count > RULES_MAX) {
		/* The loader returns them. */
		bpf_loop(TNB_SLOTS, pass_revoke_next, NULL, 0);
		return true;
	}
	/* The verifier of 6.1 refuses a loop that is entered in its middle. */
#pragma unroll
	for (__u32 i = 0; i < RULES_MAX; i++) {
		if (i >= rules->count || rules->slot[i] == to)
			continue;
		pass_revoke_slot(rules->slot[i]);
		any = true;
	}
	return any;
}

/* Only a loader changes it, where its pass is not revoked. */
static __always_inline void tell_left(struct task_struct *task, __u32 from)
{
	if ((calls_are_hosts || has_no_calls(from)) && from && !some_loader())
		count(TNB_COUNT_RULE_KEPT);
	tell_moved(task, from);
}

/* Of a process that comes from the slot (arrival.bpf.h). */
static __always_inline __u64 from_of(__u32 tgid, __u32 slot)
{
	const struct tnb_clock_page *page = slot ? clock_page_of(slot) : NULL;

	return page ? TNB_ARRIVAL_FROM(tgid, slot, page->generation) : 0;
}

/* Whether a process that comes from there has that time until it is changed. */
static __always_inline bool keeps_time_of(__u32 from)
{
	return !from || has_no_calls(from);
}

/* ---- Moves --------------------------------------------------------------- */

/* Between the two programs: cgroup_mutex is held from one to the other. */
static __u32 moving_to;

/*
 * Threads of a threaded cgroup live in the rule of their own cgroup: with one
 * of them elsewhere, none may read the page. `whole_process` is a bool, of
 * which the trampolines of kernels before 6.6 save one byte.
 */
SEC("fentry/cgroup_attach_task")
int BPF_PROG(move_begins, struct cgroup *to, struct task_struct *leader,
	     __u64 whole_process)
{
	__u32 from;

	leaving = (struct residence){};
	if (cgroup_is_v2(to) && whole_process & 0xff)
		look_at_all(leader);
	else if (cgroup_is_v2(to))
		look_at(leader, &leaving);
	moving_to = cgroup_is_v2(to) ? slot_of(to) : 0;
	if (passes_revoke(&leaving.rules, moving_to))
		count(TNB_COUNT_RULE_LEFT);
	/* Only a loader will change it. */
	from = leaving.rules.count ? leaving.rules.slot[0] : 0;
	if (whole_process & 0xff && leaving.is_alive &&
	    leaving.rules.count <= 1 && moving_to && from != moving_to &&
	    keeps_time_of(from))
		arrive(some_loader(), BPF_CORE_READ(leader, tgid),
		       bpf_ktime_get_ns() / TNB_NSEC_PER_MS,
		       from_of(BPF_CORE_READ(leader, tgid), from));
	return 0;
}

/* Also of a move that failed: the pass is to be returned. */
SEC("fexit/cgroup_attach_task")
int BPF_PROG(move_ends, struct cgroup *to, struct task_struct *leader)
{
	const struct rules *from = &leaving.rules;

	/* Again: between the two programs the process was still seen in its old
	 * rule, and the pass may have been returned. The first has counted. */
	passes_revoke(from, moving_to);
	if (from->count || moving_to)
		tell_left(leader, from->count ? from->slot[0] : 0);
	return 0;
}

/* ---- Births -------------------------------------------------------------- */

/*
 * A process: does it have the memory of one that came from outside? Its own
 * arrival entry may be there already, if it was moved before it was woken up.
 * An entry that is older than the process is that of a predecessor with its id.
 */
static __always_inline bool is_born_arriving(struct task_struct *child,
					     __u32 from, __u32 slot)
{
	__u32 tgid = BPF_CORE_READ(child, tgid);
	struct tnb_arrival parents = current_arrival();

	if (tgid != (__u32)BPF_CORE_READ(child, pid))
		return false;
	arrival_ends(tgid, BPF_CORE_READ(child, start_time) / TNB_NSEC_PER_MS);
	if (!slot)
		return false;
	if (parents.entry)
		arrive(the_loader_state(), tgid,
		       tnb_arrival_since(parents.entry),
		       parents.from
			       ? TNB_ARRIVAL_FROM(
					 tgid,
					 tnb_arrival_from_slot(parents.from),
					 tnb_arrival_from_generation(
						 parents.from))
			       : 0);
	else if (from != slot && keeps_time_of(from))
		arrive(some_loader(), tgid,
		       bpf_ktime_get_ns() / TNB_NSEC_PER_MS,
		       from_of(tgid, from));
	else
		return false;
	return true;
}

/*
 * CLONE_INTO_CGROUP: the child has its parent's memory. Interrupts are off
 * here, which is why this program is never skipped. The loader is told of a
 * child whose parent has just moved, too: the parent may have ended when the
 * loader looks for it.
 */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(tp_born, struct task_struct *child)
{
	__u32 *own = current_slot();
	__u32 from = own ? *own : 0, slot = slot_of_task(child);
	bool arrives = is_born_arriving(child, from, slot);

	if (from && from != slot) {
		pass_revoke_slot(from);
		count(TNB_COUNT_RULE_LEFT);
	}
	if (from != slot || arrives)
		tell_left(child, from);
	return 0;
}
