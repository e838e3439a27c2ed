/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What cannot be passed by: the scheduler's tracepoint runs with interrupts
 * off. A thread that waits, or is on its way back to user mode, has left the
 * copy behind, so that a window that it still holds is left here, and memory
 * that was stuck is tried again.
 *
 * Not on preemption, which can come in the middle of a copy; nor in an
 * uninterruptible sleep, which is a page fault there: the waits themselves can
 * be interrupted. The record is kept for the way out, which compares; one
 * without a way out stays until the thread's next deadline, or its end.
 *
 * If the thread is back in user mode already, another one may store a time of
 * its own between our look and our write, and loses it: a way out that was
 * passed by, in a call that did not sleep (docs/kernels.md).
 */
#include "deadline.bpf.h"

char _license[] SEC("license") = "GPL";

/* include/linux/sched.h */
#define TNB_TASK_UNINTERRUPTIBLE 0x02
#define TNB_TASK_DEAD 0x80

/* An address space: one that lives gets its memory back, with one that ends
 * goes what was stuck in it. */
struct sweep {
	__u64 mm;
	bool ends;
};

static long sweep_turn(void *map, struct stuck_key *key,
		       struct stuck_window *stuck, struct sweep *sweep)
{
	struct stuck_key mine = *key;

	if (mine.key.mm != sweep->mm)
		return 0;
	if (sweep->ends)
		stuck_remove(&mine);
	else
		stuck_retry(&mine);
	return 0;
}

static __always_inline void record_leave(__u32 prev_state)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct deadline_record *record =
		bpf_map_lookup_elem(&deadline_records, &thread);
	struct window_key key;

	if (!record || prev_state & TNB_TASK_UNINTERRUPTIBLE)
		return;
	key = record->key;
	if (record->state == RECORD_JOINED && window_leave(&key)) {
		record->state = RECORD_LEFT;
		count(TNB_COUNT_DEADLINE_LATE);
	}
	if (prev_state == TNB_TASK_DEAD)
		record_finish(record, false);
}

/* (bool preempt, prev, next, unsigned int prev_state): since 5.18 */
SEC("tp_btf/sched_switch")
int tp_sched_switch(__u64 *ctx)
{
	struct sweep sweep = { 0 };

	if (ctx[0] || !something_in_flight())
		return 0;
	record_leave((__u32)ctx[3]);
	sweep.mm = current_mm();
	if (sweep.mm)
		bpf_for_each_map_elem(&stuck_windows, sweep_turn, &sweep, 0);
	return 0;
}

SEC("fentry/exit_mmap")
int fentry_exit_mmap(__u64 *ctx)
{
	struct sweep sweep = { .ends = true };

	if (!something_in_flight())
		return 0;
	bpf_get_func_arg(ctx, 0, &sweep.mm);
	bpf_for_each_map_elem(&stuck_windows, sweep_turn, &sweep, 0);
	return 0;
}
