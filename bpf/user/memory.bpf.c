/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Which processes share memory, which no file of /proc tells. They run on while
 * one of them is changed, and may be under other rules
 * (loader/inject/sharing.c).
 */
#include "vmlinux.h"

#include "lib/errno.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <abi/memory.h>

char _license[] SEC("license") = "GPL";

/* include/linux/sched.h: threads of the kernel, and those that io_uring has in
 * a process. They run no user code. */
#define TNB_PF_KTHREAD 0x200000
#define TNB_PF_IO_WORKER 0x10
/* More than the kernel has numbers for (PID_MAX_LIMIT). */
#define TRACEES_MAX (1u << 22)

/* ---- How many tasks use the memory of a tracee --------------------------- */

struct tracees {
	struct list_head *end, *next;
	struct mm_struct *mm; /* of the first tracee that has any */
	unsigned long work;   /* of all: enum syscall_work_bit */
};

static long look_at_tracee(__u64 index, struct tracees *tracees)
{
	struct list_head *node = tracees->next;
	struct task_struct *task;

	if (!node || node == tracees->end)
		return 1;
	tracees->next = BPF_CORE_READ(node, next);
	task = (void *)node -
	       bpf_core_field_offset(struct task_struct, ptrace_entry);
	tracees->work |= BPF_CORE_READ(task, thread_info.syscall_work);
	if (!tracees->mm)
		tracees->mm = BPF_CORE_READ(task, mm);
	return 0;
}

#define HAS_WORK(work, bit) \
	((work) >> bpf_core_enum_value(enum syscall_work_bit, bit) & 1)

/* Run by user space (BPF_PROG_RUN) in a thread that traces one process. A
 * tracee exists until its tracer has waited for it. */
SEC("syscall")
int memory_users(struct tnb_memory_users *request)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct tracees tracees = {
		.end = (void *)self +
		       bpf_core_field_offset(struct task_struct, ptraced),
		.next = BPF_CORE_READ(self, ptraced.next),
	};
	struct mm_struct *mm;

	bpf_loop(TRACEES_MAX, look_at_tracee, &tracees, 0);
	mm = tracees.mm;
	request->memory = (__u64)mm;
	request->users = mm ? BPF_CORE_READ(mm, mm_users.counter) : 0;
	/* prctl(PR_SET_SYSCALL_USER_DISPATCH): the kernel handles it before it
	 * stops the tracee for its tracer (kernel/entry/common.c). */
	request->dispatches =
		HAS_WORK(tracees.work, SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH);
	request->filters = HAS_WORK(tracees.work, SYSCALL_WORK_BIT_SECCOMP);
	request->result = mm ? 0 : -TNB_ESRCH;
	return 0;
}

/* ---- Which tasks use which memory ---------------------------------------- */

SEC("iter/task")
int memory_owners(struct bpf_iter__task *context)
{
	struct seq_file *seq = context->meta->seq;
	struct task_struct *task = context->task;
	struct tnb_memory_owner owner;

	if (!task || !task->mm ||
	    task->flags & (TNB_PF_KTHREAD | TNB_PF_IO_WORKER))
		return 0;
	owner.memory = (__u64)task->mm;
	owner.tgid = (__u32)task->tgid;
	owner.tid = (__u32)task->pid;
	bpf_seq_write(seq, &owner, sizeof(owner));
	return 0;
}
