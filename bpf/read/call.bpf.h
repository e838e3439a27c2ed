/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door A: calls whose time is the return value. No program at the end of a call
 * can change that; the loader can (loader/process/call.c), if it stops the
 * thread before it runs in user mode.
 *
 * The thread waits here until the stop is pending. With one CPU it does not
 * wait: the loader is woken by the event and has real-time priority, so that it
 * runs before the thread gets to user mode. The same is true when the time to
 * wait is over.
 */
#ifndef TIMENSBPF_BPF_READ_CALL_BPF_H
#define TIMENSBPF_BPF_READ_CALL_BPF_H

#include "lib/errno.bpf.h"
#include "lib/hold.bpf.h"
#include "lib/syscall_args.bpf.h"

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

static __always_inline void call_complete(enum tnb_call_task task, long ret,
					  enum layout layout)
{
	struct tnb_loader_event event;
	__u32 *slot = current_slot();

	if (!slot)
		return;
	event = event_of_current(TNB_EVENT_CALL, *slot);
	event.task = task;
	event.compat = layout != LAYOUT_native;
	event.result = ret;
	call_returns_to(&event);
	count(TNB_COUNT_CALL_BEGUN);
	call_hold(&event);
}

static __always_inline void worker_time(const struct tnb_clock_page *page,
					const struct syscall_args *args,
					long ret, enum layout layout)
{
	if (ret != -TNB_EFAULT)
		call_complete(TNB_CALL_TIME, ret, layout);
}

static __always_inline void worker_times(const struct tnb_clock_page *page,
					 const struct syscall_args *args,
					 long ret, enum layout layout)
{
	if (ret != -TNB_EFAULT)
		call_complete(TNB_CALL_TIMES, ret, layout);
}

#endif
