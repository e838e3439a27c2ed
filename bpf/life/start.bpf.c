/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door F, exec: a program that starts in a rule is held at its first mapping
 * until the loader traces it (loader/process/start.c), and stops for the loader
 * before its first instruction. Earlier the loader could not trace it:
 * ptrace(2) needs cred_guard_mutex, which exec gives back in setup_new_exec()
 * (fs/exec.c), right before the first segment is mapped.
 *
 * A start that was not held, or for which the loader did not come, reads its
 * clock by system calls. It is counted, and changed later like a process that
 * runs already.
 */
#include "lib/hold.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

/* The new address space holds the stack alone. */
static __always_inline bool is_first_mapping(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, in_execve) &&
	       BPF_CORE_READ(task, mm, map_count) == 1;
}

static __always_inline void count_slow(struct tnb_loader_state *state,
				       enum tnb_slow why)
{
	__sync_fetch_and_add(&state->slow[why], 1);
}

/* The slot of a start that concerns the loader, or NULL. */
static __always_inline __u32 *slot_of_start(struct task_struct *task)
{
	__u32 *slot;

	if (!is_first_mapping(task))
		return NULL;
	slot = current_slot();
	return slot && some_loader() ? slot : NULL;
}

static __always_inline void start_held(struct task_struct *task, __u32 slot,
				       enum hold_end end)
{
	struct tnb_loader_state *state = the_loader_state();

	switch (end) {
	case HOLD_TAKEN:
		count(TNB_COUNT_EXEC_HELD);
		return;
	case HOLD_REFUSED:
		return;
	case HOLD_BUSY:
	case HOLD_NONE:
	case HOLD_GIVEN_UP:
		if (!state || current_is_killed())
			return;
		count_slow(state,
			   end == HOLD_BUSY ? TNB_SLOW_BUSY : TNB_SLOW_MISSED);
		tell_moved(task, slot);
	}
}

/* `yields`: a constant, true in a sleepable program. */
static __always_inline int start(bool yields)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 *slot = slot_of_start(task);
	struct tnb_loader_event event;

	if (!slot)
		return 0;
	event = event_of_current(TNB_EVENT_EXEC, *slot);
	/* The loader finds out which process it is. */
	if (task->ptrace)
		tell_loader(&event);
	else if (yields)
		start_held(
			task, event.slot,
			hold_yield(&event, BPF_CORE_READ(task, mm, arg_start)));
	else
		start_held(task, event.slot, hold_spin(&event, 0));
	return 0;
}

SEC("lsm.s/mmap_file")
int BPF_PROG(lsm_start)
{
	return start(true);
}

/* In its place where there is no BPF LSM. It cannot yield, and on preemptible
 * kernels it can be skipped. */
SEC("fmod_ret/security_mmap_file")
int BPF_PROG(fmod_ret_start)
{
	return start(false);
}
