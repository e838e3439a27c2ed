/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door F, exec: in a virtual cgroup the new program does not learn of the
 * host's vDSO, so that its first instruction already reads its clock through
 * system calls.
 *
 * Two hooks after create_elf_tables() has laid out the stack: the kprobe is
 * skipped while another BPF map operation stands preempted on the CPU, the
 * tracepoint while another task is preempted inside this very program (7.2).
 * Neither reason implies the other; a start that both miss shows as
 * exec_begun - exec_hidden - exec_failed, counted by an LSM program, which is
 * never skipped.
 *
 * With a loader alive, it is told early that a program is about to start, so
 * that it can trace the thread by the time when the new stack is ready
 * (loader/process/start.c). A process that is not traced by then is stopped,
 * for the loader to find it before its first instruction.
 */
#include "lib/loader_events.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#define TNB_AT_NULL 0
#define TNB_AT_IGNORE 1
#define TNB_AT_SYSINFO_EHDR 33
/* The kernel writes about 20 (AT_VECTOR_SIZE in include/linux/mm_types.h). */
#define AUXV_MAX 48

#define TNB_SIGSTOP 19

struct auxv_at {
	__u64 address;
	__u32 word; /* bytes */
};

/* The stack: argc, argv[argc], NULL, envp[envc], NULL, auxv (fs/binfmt_elf.c,
 * create_elf_tables). A 32-bit program is one with a 4 GiB address space. */
static __always_inline struct auxv_at locate_auxv(struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 words = 1 + (__u64)BPF_CORE_READ(bprm, argc) + 1 +
		      (__u64)BPF_CORE_READ(bprm, envc) + 1;
	bool is_32bit = BPF_CORE_READ(task, mm, task_size) <= 0xffffffffu;
	struct auxv_at at = { .word = is_32bit ? 4 : 8 };

	at.address = BPF_CORE_READ(bprm, p) + words * at.word;
	return at;
}

enum hidden { HIDE_FAILED, HIDE_DONE, HIDE_ABSENT };

static __always_inline enum hidden hide_in(struct auxv_at at)
{
	const __u64 ignore = TNB_AT_IGNORE;

	for (int i = 0; i < AUXV_MAX; i++, at.address += 2 * at.word) {
		__u64 type = 0;

		if (bpf_probe_read_user(&type, at.word == 4 ? 4 : 8,
					(void *)at.address))
			return HIDE_FAILED;
		if (type == TNB_AT_NULL)
			return HIDE_ABSENT;
		if (type != TNB_AT_SYSINFO_EHDR)
			continue;
		return bpf_probe_write_user((void *)at.address, &ignore,
					    at.word == 4 ? 4 : 8)
			       ? HIDE_FAILED
			       : HIDE_DONE;
	}
	return HIDE_FAILED;
}

/*
 * Stop the process until the loader has come, if it wants that: a process that
 * is stopped when its process group becomes orphaned is sent SIGHUP by the
 * kernel (kernel/exit.c, kill_orphaned_pgrp()). The signal is delivered on the
 * way to the first instruction. Noted before it is sent, so that the guard
 * never misses one, and again afterwards: only then can it be undone. Returns
 * whether it is.
 */
static __always_inline bool stop_for(struct tnb_loader_state *state, __u32 slot)
{
	struct tnb_hold *entry;
	__u32 index;

	if (!tnb_read_once(state->may_hold) ||
	    !beat_within(state, TNB_BEAT_LIMIT_NS)) {
		__sync_fetch_and_add(&state->slow[TNB_SLOW_MISSED], 1);
		return false;
	}
	index = __sync_fetch_and_add(&state->holds, 1) % TNB_HOLDS;
	entry = &state->hold[index];
	if (tnb_read_once(entry->since_ns) ||
	    tell_exec(TNB_EVENT_HELD, slot,
		      tnb_read_once(*last_start(state)) & ~TNB_START_WAITS,
		      index)) {
		__sync_fetch_and_add(&state->slow[TNB_SLOW_BUSY], 1);
		return false;
	}
	entry->pid = bpf_get_current_pid_tgid() >> 32;
	entry->sent = 0;
	order_store(&entry->since_ns, bpf_ktime_get_ns());
	bpf_send_signal(TNB_SIGSTOP);
	order_store(&entry->sent, 1);
	count(TNB_COUNT_EXEC_HELD);
	return true;
}

/* It has no tracer by now: it is stopped, or counted, and changed
 * later if it lives on. */
static __always_inline void start_untraced(struct task_struct *task, __u32 slot)
{
	struct tnb_loader_state *state = some_loader();

	if (state && !stop_for(state, slot))
		tell_moved(task, slot);
}

/*
 * The second of the two hooks finds the entry absent: only the first may count
 * that as hidden (a kernel booted with vdso=0 has none to hide). 32-bit
 * programs stay with system calls, so the loader is not told of them.
 */
static __always_inline void hide_vdso(struct linux_binprm *bprm, bool first)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 *slot = current_slot();
	struct auxv_at at;
	enum hidden hidden;

	if (!slot)
		return;
	/* What it was before came from outside, perhaps; the new program begins
	 * here. Also by the LSM program, which is never skipped. */
	current_arrival_ends();
	at = locate_auxv(bprm);
	hidden = hide_in(at);
	if (hidden == HIDE_DONE && at.word == 8 && !BPF_CORE_READ(task, ptrace))
		start_untraced(task, *slot);
	if (hidden == HIDE_DONE || (hidden == HIDE_ABSENT && first))
		count(TNB_COUNT_EXEC_HIDDEN);
	else if (hidden == HIDE_FAILED && !first)
		count(TNB_COUNT_EXEC_FAILED);
}

SEC("kprobe/finalize_exec")
int BPF_KPROBE(kprobe_finalize_exec, struct linux_binprm *bprm)
{
	hide_vdso(bprm, true);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_sched_process_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	hide_vdso(bprm, false);
	return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(lsm_bprm_committed_creds)
{
	current_arrival_ends();
	if (current_is_virtual())
		count(TNB_COUNT_EXEC_BEGUN);
	return 0;
}

/* Numbered whether or not a loader is told: the number tells starts apart. */
static __always_inline int tell_start(void)
{
	struct tnb_loader_state *state = the_loader_state();
	__u32 *slot = current_slot();
	__u32 start;

	if (!state)
		return 0;
	if (!slot) {
		if (tnb_read_once(*last_start(state)))
			tnb_write_once(*last_start(state), 0);
		return 0;
	}
	start = TNB_START(1 + __sync_fetch_and_add(&state->starts, 1));
	tnb_write_once(*last_start(state), start);
	if (some_loader() && !tell_exec(TNB_EVENT_EXEC, *slot, start, 0))
		tnb_write_once(*last_start(state), start | TNB_START_WAITS);
	return 0;
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(lsm_bprm_creds_for_exec)
{
	return tell_start();
}

/* In its place where there is no BPF LSM. */
SEC("fmod_ret/security_bprm_creds_for_exec")
int BPF_PROG(fmod_ret_bprm_creds_for_exec)
{
	return tell_start();
}
