/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The bytes of a deadline in the caller's memory, and their translation. */
#ifndef TIMENSBPF_BPF_WAIT_DEADLINE_BYTES_BPF_H
#define TIMENSBPF_BPF_WAIT_DEADLINE_BYTES_BPF_H

#include "lib/syscall_args.bpf.h"

#include <abi/timekeeper.h>

/* In the layout of 32-bit time a deadline has 8 bytes, and the second word
 * stays 0. */
struct time_bytes {
	__u64 word[2];
};

static __always_inline __u32 layout_size(enum layout layout)
{
	return layout == LAYOUT_compat ? 8 : 16;
}

static __always_inline bool bytes_equal(const struct time_bytes *a,
					const struct time_bytes *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

static __always_inline long bytes_read(struct time_bytes *bytes, __u64 address,
				       __u32 size)
{
	bytes->word[1] = 0;
	if (size == 8)
		return bpf_probe_read_user(bytes, 8, (void *)address);
	return bpf_probe_read_user(bytes, 16, (void *)address);
}

static __always_inline long bytes_write(const struct time_bytes *bytes,
					__u64 address, __u32 size)
{
	if (size == 8)
		return bpf_probe_write_user((void *)address, bytes, 8);
	return bpf_probe_write_user((void *)address, bytes, 16);
}

#define DEADLINE_TIMER 1  /* a time of 0 disarms */
#define DEADLINE_LONG 2	  /* nanoseconds may exceed a second */
#define DEADLINE_SIGNED 4 /* nanoseconds may be negative */

/* How a deadline is translated now. */
struct deadline_clock {
	struct tnb_time offset; /* of its clock from the host's */
	__u64 interval;		/* of a periodic timer in ns, or 0 */
	__u8 rules;
};

static __always_inline bool nsec_normalize(struct tnb_time *time, __s64 *nsec,
					   __u8 rules)
{
	__u64 carry;

	if (*nsec >= 0 && rules & DEADLINE_LONG) {
		carry = (__u64)*nsec / TNB_NSEC_PER_SEC;
		time->sec += carry;
		*nsec -= carry * TNB_NSEC_PER_SEC;
		return true;
	}
	if (*nsec < 0 && rules & DEADLINE_SIGNED) {
		carry = (-(__u64)*nsec + TNB_NSEC_PER_SEC - 1) /
			TNB_NSEC_PER_SEC;
		time->sec -= carry;
		*nsec += carry * TNB_NSEC_PER_SEC;
		return true;
	}
	return false;
}

/*
 * The time in `bytes`. False if it means the same on every clock: if the kernel
 * will refuse it (timespec64_valid()), if it never comes (it saturates at
 * KTIME_MAX), or if it disarms a timer.
 */
static __always_inline bool bytes_time(const struct time_bytes *bytes,
				       enum layout layout, __u8 rules,
				       struct tnb_time *time)
{
	__s64 nsec;

	if (layout == LAYOUT_compat) {
		time->sec = (__s32)bytes->word[0];
		nsec = (__s32)(bytes->word[0] >> 32);
	} else {
		time->sec = (__s64)bytes->word[0];
		nsec = layout == LAYOUT_native ? (__s64)bytes->word[1]
					       : (__u32)bytes->word[1];
	}
	if (time->sec < 0 || time->sec >= TNB_SEC_MAX)
		return false;
	if ((__u64)nsec >= TNB_NSEC_PER_SEC &&
	    !nsec_normalize(time, &nsec, rules))
		return false;
	time->nsec = (__u32)nsec;
	return !(rules & DEADLINE_TIMER) || time->sec || nsec;
}

static __always_inline void time_bytes(const struct tnb_time *time,
				       enum layout layout,
				       struct time_bytes *bytes)
{
	if (layout == LAYOUT_compat) {
		bytes->word[0] = (__u32)time->sec | (__u64)time->nsec << 32;
		bytes->word[1] = 0;
	} else {
		bytes->word[0] = (__u64)time->sec;
		bytes->word[1] = time->nsec;
	}
}

#define TNB_S32_MAX 0x7fffffff

/*
 * Translate `from` to the host's clock, as a time and as bytes. False if the
 * bytes stay the same.
 *
 * If the host's clock would be after 2038, the 32-bit layout cannot hold the
 * moment. The last one that it can hold stands for it (docs/surface.md).
 */
static __always_inline bool bytes_translate(const struct deadline_clock *by,
					    const struct time_bytes *from,
					    enum layout layout,
					    struct tnb_time *time,
					    struct time_bytes *to)
{
	if (!bytes_time(from, layout, by->rules, time))
		return false;
	*time = tnb_deadline_clamp(tnb_time_sub(*time, by->offset),
				   by->interval);
	if (layout == LAYOUT_compat && time->sec > TNB_S32_MAX) {
		time->sec = TNB_S32_MAX;
		time->nsec = TNB_NSEC_PER_SEC - 1;
	}
	time_bytes(time, layout, to);
	return !bytes_equal(from, to);
}

#endif
