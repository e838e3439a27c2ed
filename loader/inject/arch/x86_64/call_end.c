/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By requests that have one layout for 64-bit and 32-bit threads. */
#define _GNU_SOURCE
#include "inject/arch.h"

#include <abi/tables/arch/x86_64/calls.h>
#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

/* Of the kernel, never seen by programs (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
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
	struct user_regs_struct regs = { 0 };
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

/* Of arch/x86/entry/syscalls/syscall_32.tbl what the loader asks for. Calls
 * that share a number there stand for one of theirs. */
static const struct {
	__u32 ia32;
	long number;
} calls[] = {
	{ 3, SYS_read },
	{ 4, SYS_write },
	{ 13, SYS_time },
	{ 43, SYS_times },
	{ 102, SYS_recvmsg }, /* socketcall */
	{ 117, SYS_semop },   /* ipc */
	{ 145, SYS_readv },
	{ 146, SYS_writev },
	{ 78, SYS_gettimeofday },
	{ 177, SYS_rt_sigtimedwait },
	{ 187, SYS_sendfile },
	{ 239, SYS_sendfile },
	{ 240, SYS_futex },
	{ 247, SYS_io_getevents },
	{ 256, SYS_epoll_wait },
	{ 260, SYS_timer_settime },
	{ 265, SYS_clock_gettime },
	{ 267, SYS_clock_nanosleep },
	{ 279, SYS_mq_timedsend },
	{ 280, SYS_mq_timedreceive },
	{ 313, SYS_splice },
	{ 319, SYS_epoll_pwait },
	{ 337, SYS_recvmmsg },
	{ 325, SYS_timerfd_settime },
	{ 345, SYS_sendmmsg },
	{ 362, SYS_connect },
	{ 364, SYS_accept4 },
	{ 369, SYS_sendto },
	{ 370, SYS_sendmsg },
	{ 371, SYS_recvfrom },
	{ 372, SYS_recvmsg },
	{ 378, SYS_preadv2 },
	{ 379, SYS_pwritev2 },
	{ 385, SYS_io_pgetevents },
	{ 400, SYS_msgsnd },
	{ 401, SYS_msgrcv },
	{ 403, SYS_clock_gettime },
	{ 407, SYS_clock_nanosleep },
	{ 409, SYS_timer_settime },
	{ 411, SYS_timerfd_settime },
	{ 416, SYS_io_pgetevents },
	{ 417, SYS_recvmmsg },
	{ 418, SYS_mq_timedsend },
	{ 419, SYS_mq_timedreceive },
	{ 420, SYS_semtimedop },
	{ 421, SYS_rt_sigtimedwait },
	{ 422, SYS_futex },
	{ 426, SYS_io_uring_enter },
	{ 441, SYS_epoll_pwait2 },
	{ 449, SYS_futex_waitv },
	{ TNB_NR_TIME64_futex_wait, TNB_NR_futex_wait },
};

long tnb_call_end_number(const struct tnb_call_end *end)
{
	if (end->call == TNB_CALL_NONE)
		return -1;
	if (!end->compat)
		return end->call & ~X32_BIT;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].ia32 == end->call)
			return calls[i].number;
	return -1;
}

int tnb_call_end_set(pid_t tid, __s64 result)
{
	return trace(PTRACE_POKEUSER, tid, offsetof(struct user, regs.rax),
		     (void *)result);
}

int tnb_call_end_again(pid_t tid, enum tnb_again again)
{
	static const int results[] = {
		[TNB_AGAIN_ALWAYS] = -ERESTARTNOINTR,
		[TNB_AGAIN_IF_ASKED] = -ERESTARTSYS,
		[TNB_AGAIN_NOT] = -ERESTARTNOHAND,
	};

	return tnb_call_end_set(tid, results[again]);
}

/* Of 32-bit code the upper half of a result means nothing. */
bool tnb_call_end_is_with_rest(const struct tnb_call_end *end)
{
	return (int)end->result == -ERESTART_RESTARTBLOCK;
}
