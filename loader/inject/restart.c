/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restart.h"

#include "arch.h"
#include "filter.h"

#include <errno.h>
#include <sys/syscall.h>

/* Calls that have done nothing when they return EINTR. close(2) is not one: its
 * file descriptor is gone by then. */
static bool can_be_made_again(long number)
{
	switch (number) {
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
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

/* The kernel makes a call that it goes on with by another one, which a filter
 * may refuse, as few expect it. Then the call is made again from its
 * beginning. */
static bool may_go_on(pid_t tid, bool narrow)
{
	const struct tnb_filter_call goes_on = {
		.number = narrow ? tnb_narrow_restart_syscall
				 : SYS_restart_syscall,
		.narrow = narrow,
	};

	return tnb_filters_allow(tid, &goes_on, 1) != -EPERM;
}

int tnb_restart_interrupted(const struct tnb_tracee *tracee)
{
	struct tnb_call_end end;
	int err = tnb_call_end_get(tracee->tid, &end);

	if (!err && tnb_call_end_is_with_rest(&end) &&
	    !may_go_on(tracee->tid, end.compat))
		return tnb_call_end_again(tracee->tid, TNB_AGAIN_NOT);
	/* Of 32-bit code the upper half means nothing. */
	if (err || (int)end.result != -EINTR ||
	    !can_be_made_again(tnb_call_end_number(&end)))
		return err;
	return tnb_call_end_again(tracee->tid, TNB_AGAIN_NOT);
}
