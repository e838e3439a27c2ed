/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door B on kernels that do not preempt in kernel mode: fentry and fexit. A
 * process without a rule pays one hash miss at entry and one load at exit.
 *
 * Unlike those of door A, these programs are attached twice during an upgrade:
 * the second program finds the record of the first and does nothing.
 */
#include "deadline.bpf.h"

char _license[] SEC("license") = "GPL";

/* As a number. The verifier treats a value loaded from the context as a
 * pointer, and refuses to load a pointer to void (get_old_timespec32). */
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
