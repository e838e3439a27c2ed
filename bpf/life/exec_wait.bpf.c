/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * A program that starts waits for its tracer, for a moment. To trace it is to
 * wait for cred_guard_mutex, which setup_new_exec() gives back; its first
 * segment is mapped right after (fs/exec.c, fs/binfmt_elf.c). The thread of the
 * loader that was told wakes up on another CPU meanwhile.
 *
 * Nothing is held: this is a loop that ends, and a program that may sleep, from
 * which preemptible kernels take the CPU. Others do not until it ends.
 */
#include "lib/loader_state.bpf.h"
#include "lib/lookup.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

/* A turn takes some ten nanoseconds. */
#define TURNS_MAX (1u << 20)

static long is_over(__u64 index, const __u64 *until_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->ptrace || (__s64)(bpf_ktime_get_ns() - *until_ns) > 0;
}

/* All its threads are at work, on programs that may take long. */
static __always_inline bool is_busy(const struct tnb_loader_state *state)
{
	for (__u32 i = 0; i < TNB_TRACERS; i++)
		if (!tnb_read_once(state->tracee[i]))
			return false;
	return true;
}

SEC("lsm.s/mmap_file")
int BPF_PROG(lsm_mmap_wait)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct tnb_loader_state *state;
	__u64 until_ns;

	if (!BPF_CORE_READ_BITFIELD(task, in_execve) || task->ptrace)
		return 0;
	state = living_loader();
	/* Once for each start: at the first of its segments. */
	if (!state || !tnb_read_once(state->may_wait) || is_busy(state) ||
	    !current_is_virtual() ||
	    !(__sync_fetch_and_and(last_start(state), ~TNB_START_WAITS) &
	      TNB_START_WAITS))
		return 0;
	until_ns = bpf_ktime_get_ns() + TNB_WAIT_NS;
	bpf_loop(TURNS_MAX, is_over, &until_ns, 0);
	if (task->ptrace)
		count(TNB_COUNT_EXEC_WAITED);
	return 0;
}
