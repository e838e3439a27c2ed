/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What cannot be passed by: the scheduler's tracepoint runs with interrupts
 * off. A thread that sleeps or is on its way back to user mode has left the
 * copy behind, so that a window that it still holds is left here, and memory
 * that was stuck is tried again.
 *
 * Not on preemption, which can come in the middle of a copy. So can a sleep, if
 * the memory that we have just written was reclaimed at once: the original then
 * comes back too early, and the way out, for which the record is kept, counts a
 * deadline lost. A record without a way out stays until the thread's next
 * deadline, or until its end.
 */
#include "deadline.bpf.h"

char _license[] SEC("license") = "GPL";

#define TNB_TASK_DEAD 0x80 /* include/linux/sched.h */

static long stuck_turn(void *map, struct window_key *key,
		       struct stuck_window *stuck, __u64 *mm)
{
	struct window_key mine = *key;

	if (mine.mm == *mm)
		stuck_retry(&mine);
	return 0;
}

static __always_inline void record_leave(__u32 prev_state)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct deadline_record *record =
		bpf_map_lookup_elem(&deadline_records, &thread);
	struct window_key key;

	if (!record)
		return;
	key = record->key;
	if (record->state == RECORD_JOINED && window_leave(&key)) {
		record->state = RECORD_UNTOUCHED;
		count(TNB_COUNT_DEADLINE_LATE);
	}
	if (prev_state == TNB_TASK_DEAD)
		record_finish(record);
}

/* (bool preempt, prev, next, unsigned int prev_state): since 5.18 */
SEC("tp_btf/sched_switch")
int tp_sched_switch(__u64 *ctx)
{
	__u64 mm;

	if (ctx[0] || !something_in_flight())
		return 0;
	record_leave((__u32)ctx[3]);
	mm = current_mm();
	if (mm)
		bpf_for_each_map_elem(&stuck_windows, stuck_turn, &mm, 0);
	return 0;
}
