/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of the system calls that take an absolute time (door B of
 * docs/surface.md), and the table of the kernel functions that copy this time.
 * A further call is a further row. A further function also needs an IN_ in
 * bpf/wait/deadline_fentry.bpf.c and a case in deadline_probe.bpf.h, without
 * which it does not compile.
 *
 * Numbers are in arch/. Arguments are counted from 0.
 */
#ifndef TIMENSBPF_ABI_TABLES_WAITS_H
#define TIMENSBPF_ABI_TABLES_WAITS_H

#include <abi/tables/arch/calls.h>

/* The number of a call that an ABI does not have: no two rows may share one. */
#define TNB_NO_CALL(name) (0x10000 + TNB_WAIT_##name)

/* When the time is absolute. */
enum tnb_wait_when {
	TNB_WHEN_ALWAYS,
	TNB_WHEN_ABSTIME, /* TIMER_ABSTIME (1) in argument `when_arg` */
	TNB_WHEN_FUTEX,	  /* by the operation in argument `when_arg` */
	TNB_WHEN_RING,	  /* io_uring_enter: its own rules */
};

/* On which clock. */
enum tnb_wait_clock {
	TNB_CLOCK_REALTIME,
	TNB_CLOCK_ID,	   /* argument `clock_arg` is the clock id */
	TNB_CLOCK_FUTEX,   /* by the operation in argument `clock_arg` */
	TNB_CLOCK_TIMER,   /* of the POSIX timer `clock_arg` */
	TNB_CLOCK_TIMERFD, /* of the file descriptor `clock_arg` */
	TNB_CLOCK_RING,	   /* of the ring `clock_arg` */
};

/*
 * X(NAME, number 64-bit, number 32-bit with 64-bit time, number 32-bit with
 *   32-bit time, argument that points to the time, is it an itimerspec,
 *   when absolute, when_arg, on which clock, clock_arg)
 */
#define TNB_WAITS(X)                                                           \
	X(futex, TNB_NR(futex), TNB_NR_TIME64(futex), TNB_NR_TIME32(futex), 3, \
	  0, FUTEX, 1, FUTEX, 1)                                               \
	X(clock_nanosleep, TNB_NR(clock_nanosleep),                            \
	  TNB_NR_TIME64(clock_nanosleep), TNB_NR_TIME32(clock_nanosleep), 2,   \
	  0, ABSTIME, 1, ID, 0)                                                \
	X(timer_settime, TNB_NR(timer_settime), TNB_NR_TIME64(timer_settime),  \
	  TNB_NR_TIME32(timer_settime), 2, 1, ABSTIME, 1, TIMER, 0)            \
	X(timerfd_settime, TNB_NR(timerfd_settime),                            \
	  TNB_NR_TIME64(timerfd_settime), TNB_NR_TIME32(timerfd_settime), 2,   \
	  1, ABSTIME, 1, TIMERFD, 0)                                           \
	X(mq_timedsend, TNB_NR(mq_timedsend), TNB_NR_TIME64(mq_timedsend),     \
	  TNB_NR_TIME32(mq_timedsend), 4, 0, ALWAYS, 0, REALTIME, 0)           \
	X(mq_timedreceive, TNB_NR(mq_timedreceive),                            \
	  TNB_NR_TIME64(mq_timedreceive), TNB_NR_TIME32(mq_timedreceive), 4,   \
	  0, ALWAYS, 0, REALTIME, 0)                                           \
	X(io_uring_enter, TNB_NR(io_uring_enter),                              \
	  TNB_NR_TIME64(io_uring_enter), TNB_NR_TIME32(io_uring_enter), 4, 0,  \
	  RING, 3, RING, 0)                                                    \
	X(futex_waitv, TNB_NR(futex_waitv), TNB_NR_TIME64(futex_waitv),        \
	  TNB_NR_TIME32(futex_waitv), 3, 0, ALWAYS, 0, ID, 4)                  \
	X(futex_wait, TNB_NR(futex_wait), TNB_NR_TIME64(futex_wait),           \
	  TNB_NR_TIME32(futex_wait), 4, 0, ALWAYS, 0, ID, 5)

#define TNB_WAIT_ENUM(name, ...) TNB_WAIT_##name,
enum tnb_wait { TNB_WAITS(TNB_WAIT_ENUM) TNB_WAIT_MAX };
#undef TNB_WAIT_ENUM

/*
 * The kernel functions by which the calls above copy the time from the caller's
 * memory (kernel/time/time.c, io_uring/timeout.c).
 *
 * X(NAME of the kernel function, what the caller's memory holds,
 *   number of its arguments)
 */
#define TNB_COPIES(X)                            \
	X(get_timespec64, timespec64, 2)         \
	X(get_itimerspec64, itimerspec64, 2)     \
	X(get_old_timespec32, timespec32, 2)     \
	X(get_old_itimerspec32, itimerspec32, 2) \
	X(__io_timeout_prep, io_timeout, 3)      \
	X(io_timeout_remove_prep, io_update, 2)

#define TNB_COPY_ENUM(function, holds, arguments) TNB_COPY_##holds,
enum tnb_copy { TNB_COPIES(TNB_COPY_ENUM) TNB_COPY_MAX };
#undef TNB_COPY_ENUM

#endif
