/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of the system call that the current task is in. */
#ifndef TIMENSBPF_SYSCALL_ARGS_BPF_H
#define TIMENSBPF_SYSCALL_ARGS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

/* How the caller's registers and memory are laid out. */
enum layout {
	LAYOUT_native,	      /* 64-bit registers, 64-bit time */
	LAYOUT_compat,	      /* 32-bit registers, 32-bit time */
	LAYOUT_compat_time64, /* 32-bit registers, 64-bit time */
};

struct syscall_args {
	__u64 arg[3];
};

/*
 * The saved user registers are at the top of the kernel stack for system
 * calls and for the fault by which the vsyscall page is emulated; the kernel
 * does not change the argument registers before the call returns.
 */
static __always_inline struct syscall_args current_syscall_args(enum layout l)
{
	struct pt_regs *regs =
		(struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct syscall_args args;

	if (l == LAYOUT_native) {
		args.arg[0] = regs->di;
		args.arg[1] = regs->si;
		args.arg[2] = regs->dx;
	} else {
		args.arg[0] = (__u32)regs->bx;
		args.arg[1] = (__u32)regs->cx;
		args.arg[2] = (__u32)regs->dx;
	}
	return args;
}

#endif
