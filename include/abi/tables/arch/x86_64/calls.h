/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of system calls: arch/x86/entry/syscalls/syscall_{64,32}.tbl. */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_X86_64_CALLS_H
#define TIMENSBPF_ABI_TABLES_ARCH_X86_64_CALLS_H

/* 64-bit */
#define TNB_NR_futex 202
#define TNB_NR_clock_nanosleep 230
#define TNB_NR_timer_settime 223
#define TNB_NR_timerfd_settime 286
#define TNB_NR_mq_timedsend 242
#define TNB_NR_mq_timedreceive 243
#define TNB_NR_io_uring_enter 426
#define TNB_NR_futex_waitv 449
#define TNB_NR_futex_wait 455

/* 32-bit, with 64-bit time */
#define TNB_NR_TIME64_futex 422
#define TNB_NR_TIME64_clock_nanosleep 407
#define TNB_NR_TIME64_timer_settime 409
#define TNB_NR_TIME64_timerfd_settime 411
#define TNB_NR_TIME64_mq_timedsend 418
#define TNB_NR_TIME64_mq_timedreceive 419
#define TNB_NR_TIME64_io_uring_enter 426
#define TNB_NR_TIME64_futex_waitv 449
#define TNB_NR_TIME64_futex_wait 455

/* 32-bit, with 32-bit time */
#define TNB_NR_TIME32_futex 240
#define TNB_NR_TIME32_clock_nanosleep 267
#define TNB_NR_TIME32_timer_settime 260
#define TNB_NR_TIME32_timerfd_settime 325
#define TNB_NR_TIME32_mq_timedsend 279
#define TNB_NR_TIME32_mq_timedreceive 280
#define TNB_NR_TIME32_io_uring_enter TNB_NO_CALL(io_uring_enter)
#define TNB_NR_TIME32_futex_waitv TNB_NO_CALL(futex_waitv)
#define TNB_NR_TIME32_futex_wait TNB_NO_CALL(futex_wait)

/* X(number): what C libraries read a clock by where they have no vDSO; the
 * image makes the first two. 32-bit ones take another where one is missing, but
 * not where it is refused. */
#define TNB_CLOCK_CALLS(X)         \
	X(228) /* clock_gettime */ \
	X(96)  /* gettimeofday */  \
	X(201) /* time */
#define TNB_CLOCK_CALLS_32(X)        \
	X(403) /* clock_gettime64 */ \
	X(265) /* clock_gettime */   \
	X(78)  /* gettimeofday */    \
	X(13)  /* time */

#define TNB_NR_write 1
#define TNB_NR_TIME32_write 4

#endif
