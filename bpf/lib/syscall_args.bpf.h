/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The arguments of the system call that the current task is in. */
#ifndef TIMENSBPF_BPF_LIB_SYSCALL_ARGS_BPF_H
#define TIMENSBPF_BPF_LIB_SYSCALL_ARGS_BPF_H

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
 * For system calls, and for the fault that emulates the vsyscall page, the
 * saved user registers are at the top of the kernel stack. The kernel does not
 * change the argument registers before the call returns.
 */
static __always_inline struct pt_regs *current_user_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

static __always_inline struct syscall_args current_syscall_args(enum layout l)
{
	struct pt_regs *regs = current_user_regs();
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

/* TS_COMPAT (arch/x86/include/asm/thread_info.h): the call is one of the 32-bit
 * table, which 64-bit programs can make, too. */
#define TNB_TS_COMPAT 0x0002
/* __X32_SYSCALL_BIT: without it, numbers of x32 calls are those of 64-bit
 * calls. */
#define TNB_X32_BIT 0x40000000u

static __always_inline bool current_call_is_compat(void)
{
	return bpf_get_current_task_btf()->thread_info.status & TNB_TS_COMPAT;
}

static __always_inline __u32 syscall_number(const struct pt_regs *regs)
{
	return (__u32)regs->orig_ax & ~TNB_X32_BIT;
}

/* Argument `n`, counted from 0, in the order of the ABI. */
static __always_inline __u64 syscall_arg(const struct pt_regs *regs,
					 bool compat, __u32 n)
{
	switch (n) {
	case 0:
		return compat ? (__u32)regs->bx : regs->di;
	case 1:
		return compat ? (__u32)regs->cx : regs->si;
	case 2:
		return compat ? (__u32)regs->dx : regs->dx;
	case 3:
		return compat ? (__u32)regs->si : regs->r10;
	case 4:
		return compat ? (__u32)regs->di : regs->r8;
	default:
		return compat ? (__u32)regs->bp : regs->r9;
	}
}

#endif
