/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door A: what a reading system call has left in the caller's memory is moved
 * to the time of its rule.
 *
 * The arguments come from the task's saved user registers, not from the
 * context of the program: at a function's return the argument registers are
 * gone, and this way one worker serves fexit, kretprobe and kprobe session.
 */
#ifndef TIMENSBPF_BPF_READ_CLOCK_READ_BPF_H
#define TIMENSBPF_BPF_READ_CLOCK_READ_BPF_H

#include "lib/lookup.bpf.h"
#include "lib/syscall_args.bpf.h"
#include "lib/user_time.bpf.h"

#include <abi/tables/reads.h>

/* Where struct timex keeps its status and time (include/uapi/linux/timex.h,
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

/* Also if it failed for the zone, which the kernel writes after the time
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

	if (bpf_probe_read_user(&status, sizeof(status), (void *)status_at)) {
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

/* The return value of a success is the state of the clock, TIME_OK and up. */
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
