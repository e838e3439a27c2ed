/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "inject/arch.h"
#include "segment.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

_Static_assert(sizeof(struct user_regs_struct) <= sizeof(struct tnb_registers),
	       "more registers than words");

static struct user_regs_struct *user(struct tnb_registers *regs)
{
	return (struct user_regs_struct *)regs->word;
}

static const struct user_regs_struct *
const_user(const struct tnb_registers *regs)
{
	return (const struct user_regs_struct *)regs->word;
}

/* These requests have one layout, that of the caller, for 64-bit and 32-bit
 * threads (arch/x86/kernel/ptrace.c, arch_ptrace()). */
int tnb_registers_get(pid_t tid, struct tnb_registers *regs)
{
	return syscall(SYS_ptrace, PTRACE_GETREGS, tid, NULL, regs->word) < 0
		       ? -errno
		       : 0;
}

int tnb_registers_set(pid_t tid, const struct tnb_registers *regs)
{
	return syscall(SYS_ptrace, PTRACE_SETREGS, tid, NULL, regs->word) < 0
		       ? -errno
		       : 0;
}

__u64 tnb_registers_pc(const struct tnb_registers *regs)
{
	return const_user(regs)->rip;
}

__u64 tnb_registers_sp(const struct tnb_registers *regs)
{
	return const_user(regs)->rsp;
}

bool tnb_registers_are_wide(const struct tnb_registers *regs)
{
	return const_user(regs)->cs == TNB_USER_CS_64;
}

bool tnb_registers_are_narrow(const struct tnb_registers *regs)
{
	return const_user(regs)->cs == TNB_USER_CS_32;
}

/* ELF_PLAT_INIT() clears all registers (arch/x86/include/asm/elf.h); the first
 * instructions of every program set some. */
bool tnb_registers_are_fresh(const struct tnb_registers *registers)
{
	const struct user_regs_struct *regs = const_user(registers);

	return (regs->cs == TNB_USER_CS_64 || regs->cs == TNB_USER_CS_32) &&
	       !(regs->rax | regs->rbx | regs->rcx | regs->rdx | regs->rsi |
		 regs->rdi | regs->rbp | regs->r8 | regs->r9 | regs->r10 |
		 regs->r11 | regs->r12 | regs->r13 | regs->r14 | regs->r15);
}

void tnb_registers_leave(struct tnb_registers *regs, __u64 pc)
{
	user(regs)->rip = pc;
	user(regs)->cs = TNB_USER_CS_64;
	user(regs)->orig_rax = ~0ULL;
}

/* ---- System calls -------------------------------------------------------- */

/* Of the kernel, never seen by programs (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SYSCALL_SIZE 2 /* syscall, int $0x80 */
/* arch/x86/entry/syscalls/syscall_32.tbl */
#define IA32_EXECVE 11
#define IA32_EXECVEAT 358
#define IA32_RESTART_SYSCALL 0

long tnb_registers_call(const struct tnb_registers *regs)
{
	long number = (long)const_user(regs)->orig_rax;

	return number < 0 ? -1 : number;
}

long tnb_registers_result(const struct tnb_registers *regs)
{
	return (long)const_user(regs)->rax;
}

bool tnb_registers_are_of_failed_exec(const struct tnb_registers *regs)
{
	long result = tnb_registers_result(regs);

	if (result >= 0 || result < -4095)
		return false;
	switch (tnb_registers_call(regs)) {
	case SYS_execve:
	case SYS_execveat:
	case IA32_EXECVE:
	case IA32_EXECVEAT:
		return true;
	default:
		return false;
	}
}

const __u32 tnb_narrow_restart_syscall = IA32_RESTART_SYSCALL;

static bool is_to_be_made_again(long result)
{
	return result == -ERESTART_RESTARTBLOCK || result == -ERESTARTSYS ||
	       result == -ERESTARTNOINTR || result == -ERESTARTNOHAND;
}

static __u64 number_again(const struct tnb_registers *regs, bool compat)
{
	if (tnb_registers_result(regs) != -ERESTART_RESTARTBLOCK)
		return const_user(regs)->orig_rax;
	return compat ? IA32_RESTART_SYSCALL : SYS_restart_syscall;
}

/* arch/x86/kernel/signal.c, arch_do_signal_or_restart(). Where 32-bit code goes
 * into the kernel by another instruction, it comes back behind one of these. */
void tnb_registers_restart(struct tnb_registers *regs, bool compat)
{
	if (tnb_registers_call(regs) < 0 ||
	    !is_to_be_made_again(tnb_registers_result(regs)))
		return;
	user(regs)->rax = number_again(regs, compat);
	user(regs)->rip -= SYSCALL_SIZE;
}
