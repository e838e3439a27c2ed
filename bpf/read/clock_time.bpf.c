/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * time(2) returns its value, which only fmod_ret can change. On kernels that do
 * not allow it for this function the programs are not loaded.
 *
 * A non-zero return value of fmod_ret is that of the call, which is then not
 * made. So a virtual time of 0 cannot be returned, and no rule may begin before
 * second 1 of the epoch (loader/rules/rule.c).
 */
#include "lib/core_compat.bpf.h"
#include "lib/errno.bpf.h"
#include "lib/lookup.bpf.h"
#include "lib/syscall_args.bpf.h"

#include <abi/tables/reads.h>
#include <abi/latch.h>

char _license[] SEC("license") = "GPL";

enum { CALL_THE_KERNEL = 0 };

static __always_inline bool store_time(__u64 address, __s64 seconds,
				       enum layout layout)
{
	__s32 seconds32 = (__s32)seconds;

	if (!address)
		return true;
	if (layout == LAYOUT_native)
		return !bpf_probe_write_user((void *)address, &seconds,
					     sizeof(seconds));
	return !bpf_probe_write_user((void *)address, &seconds32,
				     sizeof(seconds32));
}

static __always_inline __u64 virtual_time(enum layout layout)
{
	const struct tnb_clock_page *page = current_page();
	struct syscall_args args;
	struct tnb_time time;

	if (!page)
		return CALL_THE_KERNEL;
	args = current_syscall_args(layout);
	/*
	 * Fail rather than return the host's time, which the call itself would
	 * do. The helper cannot fault the caller's page in.
	 */
	if (host_realtime_coarse(&time) ||
	    tnb_page_read(page, TNB_REALTIME, &time) ||
	    !store_time(args.arg[0], time.sec, layout)) {
		count(TNB_COUNT_READ_LOST);
		return (__u64)-TNB_EFAULT;
	}
	return layout == LAYOUT_native ? (__u64)time.sec
				       : (__u64)(__s64)(__s32)time.sec;
}

#define TIME_COPY(number, name, function, layout)     \
	SEC("fmod_ret/" #function)                    \
	__u64 fmod_ret_##name##_##number(__u64 *ctx)  \
	{                                             \
		return virtual_time(LAYOUT_##layout); \
	}

/*
 * The kernel skips a program for the other tasks of a CPU while a task stands
 * preempted inside it there; they reach the next copy. So a call is missed only
 * while as many tasks as there are copies stand preempted inside them on one
 * CPU, and that is counted. Kernels without preemption get one copy.
 */
#define TIME_DOOR(name, function, worker, layout) \
	TNB_EACH_TIME_COPY(TIME_COPY, name, function, layout)

TNB_TIME_DOORS(TIME_DOOR)
