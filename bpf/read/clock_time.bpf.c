/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * time(2): its value is its return value, which only fmod_ret can change, and
 * only on kernels that let it: elsewhere these programs are not loaded.
 *
 * fmod_ret skips the call by returning non-zero. A virtual time of 0 could not
 * be told, so no rule begins before second 1 of the epoch
 * (loader/rules/rule.c).
 */
#include "lib/core_compat.bpf.h"
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
	 * Refused where it cannot be right: the call itself would return the
	 * host's time, and the helper cannot fault the caller's page in.
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
 * TNB_TIME_COPIES of each. A task that is preempted inside a program makes it
 * pass the other tasks of that CPU by; they meet the next copy. A call is
 * missed only while as many tasks as there are copies stand preempted inside
 * them on one CPU, and that is counted. Kernels without preemption get one
 * copy.
 */
#define TIME_DOOR(name, function, worker, layout) \
	TIME_COPY(0, name, function, layout)      \
	TIME_COPY(1, name, function, layout)      \
	TIME_COPY(2, name, function, layout)      \
	TIME_COPY(3, name, function, layout)      \
	TIME_COPY(4, name, function, layout)      \
	TIME_COPY(5, name, function, layout)      \
	TIME_COPY(6, name, function, layout)      \
	TIME_COPY(7, name, function, layout)

TNB_TIME_DOORS(TIME_DOOR)
