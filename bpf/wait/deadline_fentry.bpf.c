/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door B on kernels that do not preempt in kernel mode: fentry and fexit. A
 * process without a rule pays one hash miss on the way in and one load on the
 * way out.
 *
 * Unlike door A's these programs may be attached twice while one version takes
 * over from another: who comes second finds the record of the first.
 */
#include "deadline.bpf.h"

char _license[] SEC("license") = "GPL";

/* As a number: what is loaded from the context is a pointer to the verifier,
 * and a pointer to void (get_old_timespec32) is not to be had there. */
static __always_inline __u64 argument(__u64 *ctx, __u32 n)
{
	__u64 value = 0;

	bpf_get_func_arg(ctx, n, &value);
	return value;
}

#define IN_TIME(copy) deadline_in(copy, argument(ctx, 0), argument(ctx, 1))
#define IN_timespec64(copy) IN_TIME(copy)
#define IN_itimerspec64(copy) IN_TIME(copy)
#define IN_timespec32(copy) IN_TIME(copy)
#define IN_itimerspec32(copy) IN_TIME(copy)
#define IN_io_timeout(copy) \
	deadline_in_ring(copy, (void *)ctx[0], (void *)ctx[1])
#define IN_io_update(copy) \
	deadline_in_ring(copy, (void *)ctx[0], (void *)ctx[1])

#define FENTRY_COPY(function, holds, arguments)                      \
	SEC("fentry/" #function)                                     \
	int deadline_in_##holds(__u64 *ctx)                          \
	{                                                            \
		IN_##holds(TNB_COPY_##holds);                        \
		return 0;                                            \
	}                                                            \
                                                                     \
	SEC("fexit/" #function)                                      \
	int deadline_out_##holds(__u64 *ctx)                         \
	{                                                            \
		deadline_out(TNB_COPY_##holds, (int)ctx[arguments]); \
		return 0;                                            \
	}

TNB_COPIES(FENTRY_COPY)
