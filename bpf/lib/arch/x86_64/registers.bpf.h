/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The registers of a system call, as x86-64 saves them. Included by
 * syscall_args.bpf.h. */
#ifndef TIMENSBPF_BPF_LIB_ARCH_X86_64_REGISTERS_BPF_H
#define TIMENSBPF_BPF_LIB_ARCH_X86_64_REGISTERS_BPF_H

/* TS_COMPAT of arch/x86/include/asm/thread_info.h: a call of the 32-bit
 * table, whatever the program is. */
#define TNB_TS_COMPAT 0x0002
/* __X32_SYSCALL_BIT: numbers of x32 calls are those of 64 bits otherwise. */
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
