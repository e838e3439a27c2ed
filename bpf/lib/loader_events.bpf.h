/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Events that the running loader reads. */
#ifndef TIMENSBPF_BPF_LIB_LOADER_EVENTS_BPF_H
#define TIMENSBPF_BPF_LIB_LOADER_EVENTS_BPF_H

#include "lookup.bpf.h"

#include <bpf/bpf_core_read.h>

#define LOADER_EVENTS_SIZE (1 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LOADER_EVENTS_SIZE);
} loader_events __weak SEC(".maps");

/* Whether the current process still lives in the rule of the slot. */
static __always_inline bool current_is_in(__u32 slot)
{
	__u32 *now = current_slot();

	return now && tnb_read_once(*now) == slot;
}

/*
 * Returns 0, or an error if the buffer is full.
 *
 * A program that starts gets the pass of the event, unless it has been revoked
 * since. Its process may have moved between the look at its slot and the look
 * at the revocations: then it gets none, and the loader looks where it lives. A
 * move after the second look at the slot revokes after that.
 */
static __always_inline long tell_loader(struct tnb_loader_event *event)
{
	const struct tnb_clock_page *page = clock_page_of(event->slot);

	event->when_ns = bpf_ktime_get_ns();
	/* In this order: revoking a pass counts first. */
	if (page) {
		event->revocations = tnb_read_once(page->revocations);
		event->pass = tnb_load_after(page->pass, event->revocations);
		if (event->kind == TNB_EVENT_EXEC &&
		    !current_is_in(event->slot))
			event->pass = 0;
	}
	return bpf_ringbuf_output(&loader_events, event, sizeof(*event), 0);
}

/* An event about the current thread. */
static __always_inline struct tnb_loader_event
event_of_current(enum tnb_event_kind kind, __u32 slot)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tnb_loader_event event = {
		.kind = kind,
		.tid = (__u32)id,
		.tgid = id >> 32,
		.slot = slot,
		.cpu = bpf_get_smp_processor_id(),
	};

	return event;
}

/* The process is to be changed. If the event is lost, the loader looks at all
 * processes. */
static __always_inline void tell_moved(struct task_struct *task, __u32 from)
{
	struct tnb_loader_state *state = some_loader();
	struct tnb_loader_event event = {
		.kind = TNB_EVENT_MOVED,
		.tid = BPF_CORE_READ(task, pid),
		.tgid = BPF_CORE_READ(task, tgid),
		.slot = from,
	};

	if (state && tell_loader(&event))
		__sync_fetch_and_add(&state->moves_lost, 1);
}

#endif
