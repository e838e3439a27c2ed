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
		.result = (__s64)regs.rax,
		.call = (__u32)regs.orig_rax,
		.compat = info.arch == AUDIT_ARCH_I386,
	};
	return 0;
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
