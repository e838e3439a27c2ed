/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By requests that have one layout for 64-bit and 32-bit threads. */
#define _GNU_SOURCE
#include "inject/arch.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

/* Of the kernel, never seen by programs (include/linux/errno.h). */
#define ERESTARTNOINTR 513
/* arch/x86/entry/syscalls/syscall_32.tbl */
#define IA32_TIME 13
#define IA32_TIMES 43
/* Numbers of x32 calls are those of 64 bits otherwise. */
#define X32_BIT 0x40000000u

static int trace(int request, pid_t tid, size_t address, const void *data)
{
	return syscall(SYS_ptrace, request, tid, address, data) < 0 ? -errno
								    : 0;
}

/* Until the thread is in user mode the kernel knows which table its call was
 * of (arch/x86/include/asm/syscall.h, syscall_get_arch()). */
int tnb_call_end_get(pid_t tid, struct tnb_call_end *end)
{
	struct __ptrace_syscall_info info;
	struct user_regs_struct regs;
	int err = trace(PTRACE_GETREGS, tid, 0, &regs);

	if (!err)
		err = trace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);
	if (err)
		return err;
	*end = (struct tnb_call_end){
		.pc = regs.rip,
		.sp = regs.rsp,
		.argument = regs.rdi,
		.result = (__s64)regs.rax,
		.call = (__u32)regs.orig_rax,
		.compat = info.arch == AUDIT_ARCH_I386,
	};
	if (end->compat)
		end->argument = (__u32)regs.rbx;
	return 0;
}

bool tnb_call_end_is_time(const struct tnb_call_end *end)
{
	return end->compat ? end->call == IA32_TIME
			   : (end->call & ~X32_BIT) == SYS_time;
}

bool tnb_call_end_is_times(const struct tnb_call_end *end)
{
	return end->compat ? end->call == IA32_TIMES
			   : (end->call & ~X32_BIT) == SYS_times;
}

int tnb_call_end_set(pid_t tid, __s64 result)
{
	return trace(PTRACE_POKEUSER, tid, offsetof(struct user, regs.rax),
		     (void *)result);
}

int tnb_call_end_again(pid_t tid)
{
	return tnb_call_end_set(tid, -ERESTARTNOINTR);
}
