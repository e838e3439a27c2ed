/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A program that the kernel never skips, because the scheduler's tracepoint
 * runs with interrupts off. When a thread waits, the copy is over: a window
 * that the thread is still in is left here, and memory that is stuck is tried
 * again.
 *
 * A preempted thread may be in the middle of the copy, and so may one in an
 * uninterruptible sleep, by a page fault; the waits themselves can be
 * interrupted. The record is kept for deadline_out, which compares. If that was
 * skipped, the record stays until the thread's next deadline or its end.
 *
 * If deadline_out was skipped in a call that did not sleep, the thread may be
 * in user mode by now. Then a time that another thread stores between our read
 * and our write is lost (docs/kernels.md).
 */
#include "deadline.bpf.h"

char _license[] SEC("license") = "GPL";

/* include/linux/sched.h */
#define TNB_TASK_UNINTERRUPTIBLE 0x02
#define TNB_TASK_DEAD 0x80

/* The stuck memory of an address space: put back, or forgotten if the address
 * space ends. */
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
	struct stuck_left left = { 0 };
	struct window_key key;

	if (!record || prev_state & TNB_TASK_UNINTERRUPTIBLE)
		return;
	key = record->key;
	if (record->state == RECORD_JOINED && window_leave(&key, &left)) {
		record->state = RECORD_LEFT;
		count(TNB_COUNT_DEADLINE_LATE);
	}
	if (prev_state == TNB_TASK_DEAD)
		record_finish(record, false, &left);
	/* Nothing is held here, where interrupts are off. */
	if (left.size)
		count(TNB_COUNT_DEADLINE_STUCK);
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
