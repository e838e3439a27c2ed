/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The layouts of a time in user memory, and correcting a time in place. */
#ifndef TIMENSBPF_BPF_LIB_USER_TIME_BPF_H
#define TIMENSBPF_BPF_LIB_USER_TIME_BPF_H

#include "call_end.bpf.h"
#include "maps.bpf.h"

#include <abi/latch.h>

/* Sub-second units of a layout, in nanoseconds. */
#define TNB_UNIT_NSEC 1u
#define TNB_UNIT_USEC TNB_NSEC_PER_USEC

struct user_time64 {
	__s64 sec;
	__s64 fraction;
};

struct user_time32 {
	__s32 sec;
	__s32 fraction;
};

/*
 * The kernel has just written these bytes, so they are present and writable.
 * The exceptions: another thread forked, unmapped or protected the page
 * meanwhile, or the kernel reclaimed it within these instructions. Then the
 * loader makes them writable, at once or when the call has ended, which is then
 * made again. Where it cannot, the read counts as lost.
 */
#define DEFINE_SHIFT_USER_TIME(bits)                                         \
	static __always_inline void shift_user_time##bits(                   \
		const struct tnb_clock_page *page, enum tnb_clock_id family, \
		void *address, __u32 unit)                                   \
	{                                                                    \
		struct user_time##bits user;                                 \
		struct tnb_time time;                                        \
                                                                             \
		if (user_read(&user, sizeof(user), address))                 \
			goto lost;                                           \
		time.sec = user.sec;                                         \
		time.nsec = (__u32)user.fraction * unit;                     \
		if (tnb_page_read(page, family, &time))                      \
			goto lost;                                           \
		user.sec = time.sec;                                         \
		user.fraction = time.nsec / unit;                            \
		if (!user_write(address, &user))                             \
			return;                                              \
lost:                                                                        \
		count(TNB_COUNT_READ_LOST);                                  \
		call_again(TNB_CALL_READ, (__u64)address, sizeof(user));     \
	}

DEFINE_SHIFT_USER_TIME(64)
/* Past 2038 the seconds wrap, as the kernel's own conversion lets them
 * (put_old_timespec32 in kernel/time/time.c). */
DEFINE_SHIFT_USER_TIME(32)

#endif
