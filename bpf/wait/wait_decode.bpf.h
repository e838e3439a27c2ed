/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Finds out which deadline the kernel is copying from the caller, and on which
 * clock. This follows from the registers of the system call (TNB_WAITS) and
 * from what its handles refer to, without any state of ours.
 */
#ifndef TIMENSBPF_BPF_WAIT_WAIT_DECODE_BPF_H
#define TIMENSBPF_BPF_WAIT_WAIT_DECODE_BPF_H

#include "deadline_bytes.bpf.h"
#include "lib/syscall_args.bpf.h"
#include "wait_handles.bpf.h"

#include <abi/timekeeper.h>
#include <abi/tables/waits.h>

struct wait {
	__u64 address; /* of the deadline in the caller's memory */
	enum layout layout;
	enum tnb_clock_id family;
	__u8 rules; /* DEADLINE_* */
};

struct wait_row {
	__u8 pointer, timer, when, when_arg, clock, clock_arg;
};

#define WAIT_ROW(name, nr64, nr32, nr32_old, pointer, timer, when, when_arg, \
		 clock, clock_arg)                                           \
	[TNB_WAIT_##name] = { pointer,		 timer,                      \
			      TNB_WHEN_##when,	 when_arg,                   \
			      TNB_CLOCK_##clock, clock_arg },
static const struct wait_row wait_rows[TNB_WAIT_MAX] = { TNB_WAITS(WAIT_ROW) };

static __always_inline __u32 wait_of_native(__u32 number)
{
#define WAIT_NATIVE(name, nr64, ...) \
	case nr64:                   \
		return TNB_WAIT_##name;
	switch (number) {
		TNB_WAITS(WAIT_NATIVE)
	}
	return TNB_WAIT_MAX;
}

static __always_inline __u32 wait_of_compat(__u32 number)
{
#define WAIT_COMPAT(name, nr64, nr32, nr32_old, ...) \
	case nr32:                                   \
	case nr32_old:                               \
		return TNB_WAIT_##name;
	switch (number) {
		TNB_WAITS(WAIT_COMPAT)
	}
	return TNB_WAIT_MAX;
}

/* include/uapi/linux/futex.h */
#define FUTEX_PRIVATE 128u
#define FUTEX_CLOCK_REALTIME 256u
enum {
	FUTEX_LOCK_PI = 6,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAIT_REQUEUE_PI = 11,
	FUTEX_LOCK_PI2 = 13
};

static __always_inline __u32 futex_command(__u64 operation)
{
	return (__u32)operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
}

/* Of the commands with a timeout, only that of FUTEX_WAIT is relative. */
static __always_inline bool futex_is_absolute(__u64 operation)
{
	__u32 command = futex_command(operation);

	return command == FUTEX_WAIT_BITSET ||
	       command == FUTEX_WAIT_REQUEUE_PI || command == FUTEX_LOCK_PI ||
	       command == FUTEX_LOCK_PI2;
}

/* FUTEX_LOCK_PI is always on REALTIME (do_futex, kernel/futex/syscalls.c). */
static __always_inline enum tnb_clock_id futex_family(__u64 operation)
{
	return operation & FUTEX_CLOCK_REALTIME ||
			       futex_command(operation) == FUTEX_LOCK_PI
		       ? TNB_REALTIME
		       : TNB_MONOTONIC;
}

#define TNB_ABSTIME 1u
#define RING_ENTER_EXT_ARG 8u	 /* IORING_ENTER_EXT_ARG */
#define RING_ENTER_ABS_TIMER 32u /* IORING_ENTER_ABS_TIMER, since 6.12 */

static __always_inline bool wait_is_absolute(const struct wait_row *row,
					     __u64 argument)
{
	const __u32 ring = RING_ENTER_EXT_ARG | RING_ENTER_ABS_TIMER;

	switch (row->when) {
	case TNB_WHEN_ALWAYS:
		return true;
	case TNB_WHEN_ABSTIME:
		return argument & TNB_ABSTIME;
	case TNB_WHEN_FUTEX:
		return futex_is_absolute(argument);
	default:
		return (argument & ring) == ring;
	}
}

/* WAIT_NONE: the timer, file or ring does not exist, and the call will fail. */
static __always_inline enum decoded wait_clock(const struct wait_row *row,
					       const struct pt_regs *regs,
					       bool compat,
					       enum tnb_clock_id *family)
{
	__u64 argument = syscall_arg(regs, compat, row->clock_arg);
	__s32 clock = -1;
	enum decoded found = WAIT_FOUND;

	switch (row->clock) {
	case TNB_CLOCK_REALTIME:
		clock = 0;
		break;
	case TNB_CLOCK_ID:
		clock = (__s32)argument;
		break;
	case TNB_CLOCK_FUTEX:
		*family = futex_family(argument);
		return WAIT_FOUND;
	case TNB_CLOCK_TIMER:
		found = timer_clock((__s32)argument, &clock);
		break;
	case TNB_CLOCK_TIMERFD:
		found = timerfd_clock((__u32)argument, &clock);
		break;
	default:
		found = ring_clock((__u32)argument,
				   syscall_arg(regs, compat, 3), &clock);
	}
	if (found != WAIT_FOUND)
		return found;
	*family = tnb_family_of((__u32)clock);
	return *family < TNB_CLOCKS ? WAIT_FOUND : WAIT_NONE;
}

/* The address of the deadline. That of io_uring_enter is in a struct
 * io_uring_getevents_arg. */
static __always_inline __u64 wait_pointer(const struct wait_row *row,
					  __u64 argument)
{
	__u64 pointer = 0;

	if (row->when != TNB_WHEN_RING)
		return argument;
	bpf_probe_read_user(
		&pointer, sizeof(pointer),
		(void *)(argument +
			 __builtin_offsetof(struct io_uring_getevents_arg,
					    ts)));
	return pointer;
}

/*
 * The kernel is about to copy a timespec or (`is_timer`) an itimerspec from
 * `user`.
 *
 * get_itimerspec64 may call get_timespec64 for its two halves. Then the
 * deadline is the second half.
 */
static __always_inline enum decoded
wait_decode(__u64 user, bool old, bool is_timer, struct wait *wait)
{
	const struct pt_regs *regs = current_user_regs();
	bool compat = current_call_is_compat();
	__u32 number = syscall_number(regs);
	__u32 which = compat ? wait_of_compat(number) : wait_of_native(number);
	const struct wait_row *row;
	__u64 pointer;
	__u32 second;

	if (which >= TNB_WAIT_MAX)
		return WAIT_NONE;
	row = &wait_rows[which];
	wait->layout = !compat ? LAYOUT_native
		       : old   ? LAYOUT_compat
			       : LAYOUT_compat_time64;
	wait->rules = row->timer ? DEADLINE_TIMER
		      : row->when == TNB_WHEN_RING
			      ? DEADLINE_LONG | DEADLINE_SIGNED
			      : 0;
	if (is_timer && !row->timer)
		return WAIT_NONE;
	if (!wait_is_absolute(row, syscall_arg(regs, compat, row->when_arg)))
		return WAIT_NONE;
	pointer = wait_pointer(row, syscall_arg(regs, compat, row->pointer));
	/* Equal to `user` below. But only this one is a number for the
	 * verifier, so the compiler must not use the other in its place. */
	wait->address = pointer;
	barrier_var(wait->address);
	second = row->timer ? layout_size(wait->layout) : 0;
	if (user + (is_timer ? second : 0) != pointer + second)
		return WAIT_NONE;
	wait->address += second;
	return wait_clock(row, regs, compat, &wait->family);
}

/* The interval of a periodic timer, which is stored before its deadline. 0 if
 * the kernel will refuse it. */
static __always_inline __u64 wait_interval(const struct wait *wait)
{
	__u32 size = layout_size(wait->layout);
	struct time_bytes bytes;
	struct tnb_time time;

	if (!(wait->rules & DEADLINE_TIMER) ||
	    bytes_read(&bytes, wait->address - size, size) ||
	    !bytes_time(&bytes, wait->layout, wait->rules, &time))
		return 0;
	return (__u64)time.sec * TNB_NSEC_PER_SEC + time.nsec;
}

/* ---- Timeouts of io_uring ------------------------------------------------ */

static __always_inline enum decoded ring_wait(__u64 address, __s32 clock,
					      struct wait *wait)
{
	wait->address = address;
	wait->layout = current_call_is_compat() ? LAYOUT_compat_time64
						: LAYOUT_native;
	wait->family = tnb_family_of((__u32)clock);
	wait->rules = DEADLINE_LONG;
	return WAIT_FOUND;
}

/* IORING_OP_TIMEOUT, IORING_OP_LINK_TIMEOUT. A time in the entry itself is in
 * the ring, where only the process may write. */
static __always_inline enum decoded
ring_timeout_decode(const struct io_uring_sqe *entry, struct wait *wait)
{
	__u32 flags = BPF_CORE_READ(entry, timeout_flags);

	if (!(flags & RING_TIMEOUT_ABS))
		return WAIT_NONE;
	if (flags & RING_TIMEOUT_IMMEDIATE)
		return WAIT_UNKNOWN;
	return ring_wait(BPF_CORE_READ(entry, addr), ring_timeout_clock(flags),
			 wait);
}

/* IORING_OP_TIMEOUT_REMOVE with IORING_TIMEOUT_UPDATE. */
static __always_inline enum decoded
ring_update_decode(const struct io_kiocb *request,
		   const struct io_uring_sqe *entry, struct wait *wait)
{
	const __u32 update = RING_TIMEOUT_UPDATE | RING_TIMEOUT_UPDATE_LINK;
	__u32 flags = BPF_CORE_READ(entry, timeout_flags);
	enum decoded found;
	__s32 clock = 0;

	if (!(flags & RING_TIMEOUT_ABS) || !(flags & update))
		return WAIT_NONE;
	if (flags & RING_TIMEOUT_IMMEDIATE)
		return WAIT_UNKNOWN;
	found = ring_update_clock(request, BPF_CORE_READ(entry, addr),
				  flags & RING_TIMEOUT_UPDATE_LINK, &clock);
	return found == WAIT_FOUND
		       ? ring_wait(BPF_CORE_READ(entry, addr2), clock, wait)
		       : found;
}

#endif
