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

#if defined(__TARGET_ARCH_x86)
#include "arch/x86_64/registers.bpf.h"
#else
#error "no registers of this architecture"
#endif

static __always_inline struct syscall_args current_syscall_args(enum layout l)
{
	const struct pt_regs *regs = current_user_regs();
	bool compat = l != LAYOUT_native;
	struct syscall_args args = {
		.arg = { syscall_arg(regs, compat, 0),
			 syscall_arg(regs, compat, 1),
			 syscall_arg(regs, compat, 2) },
	};

	return args;
}

#endif
