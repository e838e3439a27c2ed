/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door A: the time that a system call has just written to the caller's memory
 * becomes the time of the caller's rule.
 *
 * The arguments come from the saved user registers of the task, because at a
 * function's return the argument registers are gone. This also lets one worker
 * serve fexit, kretprobe and kprobe session.
 */
#ifndef TIMENSBPF_BPF_READ_CLOCK_READ_BPF_H
#define TIMENSBPF_BPF_READ_CLOCK_READ_BPF_H

#include "lib/errno.bpf.h"
#include "lib/lookup.bpf.h"
#include "lib/syscall_args.bpf.h"
#include "lib/user_time.bpf.h"
#include "call.bpf.h"

#include <abi/tables/reads.h>

/* Offsets of status and time in struct timex (include/uapi/linux/timex.h,
 * struct old_timex32 in include/linux/time32.h). */
#define TIMEX64_STATUS 40
#define TIMEX64_TIME 72
#define TIMEX32_STATUS 20
#define TIMEX32_TIME 36
#define TIMEX_STA_NANO 0x2000

static __always_inline void shift(const struct tnb_clock_page *page,
				  enum tnb_clock_id family, void *address,
				  __u32 unit, enum layout layout)
{
	if (layout == LAYOUT_compat)
		shift_user_time32(page, family, address, unit);
	else
		shift_user_time64(page, family, address, unit);
}

static __always_inline void
worker_clock_gettime(const struct tnb_clock_page *p,
		     const struct syscall_args *args, long ret,
		     enum layout layout)
{
	enum tnb_clock_id family = tnb_family_of(args->arg[0]);

	if (ret == 0 && family < TNB_CLOCKS)
		shift(p, family, (void *)args->arg[1], TNB_UNIT_NSEC, layout);
}

/* Also if the call failed while writing the zone, which comes after the time
 * (kernel/time/time.c). */
static __always_inline void worker_gettimeofday(const struct tnb_clock_page *p,
						const struct syscall_args *args,
						long ret, enum layout layout)
{
	bool is_written = ret == 0 || (ret == -TNB_EFAULT && args->arg[1]);

	if (is_written && args->arg[0])
		shift(p, TNB_REALTIME, (void *)args->arg[0], TNB_UNIT_USEC,
		      layout);
}

static __always_inline void shift_timex(const struct tnb_clock_page *page,
					__u64 timex, enum layout layout)
{
	bool compat = layout == LAYOUT_compat;
	__u64 status_at = timex + (compat ? TIMEX32_STATUS : TIMEX64_STATUS);
	__u64 time_at = timex + (compat ? TIMEX32_TIME : TIMEX64_TIME);
	__s32 status;

	if (user_read(&status, sizeof(status), (void *)status_at)) {
		count(TNB_COUNT_READ_LOST);
		return;
	}
	if (status & TIMEX_STA_NANO)
		shift(page, TNB_REALTIME, (void *)time_at, TNB_UNIT_NSEC,
		      layout);
	else
		shift(page, TNB_REALTIME, (void *)time_at, TNB_UNIT_USEC,
		      layout);
}

/* On success the calls return the state of the clock, TIME_OK or above. */
static __always_inline void worker_adjtimex(const struct tnb_clock_page *page,
					    const struct syscall_args *args,
					    long ret, enum layout layout)
{
	if (ret >= 0)
		shift_timex(page, args->arg[0], layout);
}

static __always_inline void
worker_clock_adjtime(const struct tnb_clock_page *p,
		     const struct syscall_args *args, long ret,
		     enum layout layout)
{
	if (ret >= 0 && tnb_family_of(args->arg[0]) == TNB_REALTIME)
		shift_timex(p, args->arg[1], layout);
}

#endif
