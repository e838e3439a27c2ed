/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart.h"

#include <errno.h>
#include <sys/syscall.h>

/* Of the kernel, never seen by programs (include/linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SYSCALL_INSN_SIZE 2

static bool is_to_be_made_again(const struct user_regs_struct *regs)
{
	long result = (long)regs->rax;

	return (long)regs->orig_rax >= 0 &&
	       (result == -ERESTART_RESTARTBLOCK || result == -ERESTARTSYS ||
		result == -ERESTARTNOINTR || result == -ERESTARTNOHAND);
}

void tnb_restart_as_kernel(struct user_regs_struct *regs)
{
	if (!is_to_be_made_again(regs))
		return;
	regs->rax = (long)regs->rax == -ERESTART_RESTARTBLOCK
			    ? SYS_restart_syscall
			    : regs->orig_rax;
	regs->rip -= SYSCALL_INSN_SIZE;
}

/* ---- Calls that end with EINTR ------------------------------------------- */

/* Those that have done nothing when they say so: not close(2), whose file
 * descriptor is gone by then. */
static bool can_be_made_again(long number)
{
	switch (number) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_splice:
	case SYS_sendfile:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_msgsnd:
	case SYS_msgrcv:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
	case SYS_rt_sigtimedwait:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
	case SYS_io_uring_enter:
		return true;
	default:
		return false;
	}
}

int tnb_restart_interrupted(const struct tnb_tracee *tracee)
{
	struct user_regs_struct regs;
	int err = tnb_tracee_get_regs(tracee, &regs);

	if (err || (long)regs.orig_rax < 0 || (long)regs.rax != -EINTR ||
	    !can_be_made_again((long)regs.orig_rax))
		return err;
	regs.rax = (__u64)-ERESTARTNOHAND;
	return tnb_tracee_set_regs(tracee, &regs);
}
