/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door A: calls whose time is the return value. No program at the end of a call
 * can change that; the loader can (lib/call_end.bpf.h).
 */
#ifndef TIMENSBPF_BPF_READ_CALL_BPF_H
#define TIMENSBPF_BPF_READ_CALL_BPF_H

#include "lib/call_end.bpf.h"
#include "lib/errno.bpf.h"

/* Before the loader is told. */
static __always_inline void caller_begins(__u32 tid)
{
	struct tnb_loader_state *state = the_loader_state();

	if (state)
		order_store(&state->caller[tnb_caller_index(tid)].begun,
			    TNB_CALLER(tid, 1 + __sync_fetch_and_add(
							&state->calls, 1)));
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
	caller_begins(event.tid);
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
