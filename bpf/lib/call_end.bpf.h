/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The end of the current thread's system call, where the loader sets another
 * result or has the call made again (loader/process/call.c). For that it stops
 * the thread before it runs in user mode.
 *
 * The thread waits here until the stop is pending. With one CPU it does not
 * wait: the loader is woken by the event and has real-time priority, so that it
 * runs before the thread gets to user mode, or when the thread sleeps. The same
 * is true when the time to wait is over.
 */
#ifndef TIMENSBPF_BPF_LIB_CALL_END_BPF_H
#define TIMENSBPF_BPF_LIB_CALL_END_BPF_H

#include "once.bpf.h"
#include "syscall_args.bpf.h"
#include "user_memory.bpf.h"

/* Where the thread goes on in user mode. */
static __always_inline void call_returns_to(struct tnb_loader_event *event)
{
	const struct pt_regs *regs = current_user_regs();

	event->call = (__u32)regs->orig_ax;
	event->pc = regs->ip;
	event->sp = regs->sp;
	if (event->call != TNB_CALL_NONE)
		return;
	/* The kernel emulates a function that was called. */
	bpf_probe_read_user(&event->pc, sizeof(event->pc), (void *)event->sp);
	event->sp += sizeof(event->pc);
}

static __noinline int call_hold(struct tnb_loader_event *event)
{
	if (hold_spin(event, TNB_SPIN_CROWD_NS) == HOLD_NONE && some_loader()) {
		event->hold = 0;
		tell_loader(event);
	}
	return 0;
}

/*
 * Calls are made again because something was lost that another try may not
 * lose. Where each try does, the calls of a thread are made again so often in a
 * second, and then return.
 */
#define AGAIN_MOST 1000

struct call_tries {
	__u64 since_ns;
	__u64 count;
};

/* Of a thread. The map drops the least used: they begin anew. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct call_tries);
} calls_again __weak SEC(".maps");

static __always_inline bool may_try_again(void)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct call_tries first = { .since_ns = bpf_ktime_get_ns() };
	struct call_tries *tries = bpf_map_lookup_elem(&calls_again, &thread);

	if (!tries)
		return !bpf_map_update_elem(&calls_again, &thread, &first,
					    BPF_ANY);
	if (first.since_ns - tries->since_ns > TNB_NSEC_PER_SEC)
		*tries = first;
	return ++tries->count <= AGAIN_MOST;
}

/*
 * Have the call made again, after this memory of the thread was made writable.
 * What this try has lost was counted by the caller (abi/hold.h, H6). `task`:
 * enum tnb_call_task.
 */
TNB_ONCE int call_again(__u32 task, __u64 address, __u32 size)
{
	struct tnb_loader_event event;
	__u32 *slot = current_slot();
	enum mendable mendable;

	if (!slot || !living_loader())
		return 0;
	mendable = memory_can_mend(address);
	if (mendable == MEND_NEVER || !may_try_again())
		return 0;
	event = event_of_current(TNB_EVENT_CALL, *slot);
	event.task = task;
	event.is_locked = mendable == MEND_LATER;
	event.compat = current_call_is_compat();
	event.address = address;
	event.size = size;
	call_returns_to(&event);
	return call_hold(&event);
}

#endif
