/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door A on kernels that do not preempt in kernel mode: fexit, the cheapest
 * way. (On a preemptible kernel, a task that is preempted in the program has
 * the kernel skip it for all other tasks of the CPU, see docs/kernels.md.)
 *
 * Each system call has two programs. The stub fexit_* is attached and stays in
 * an upgrade. For a caller with a rule it calls the worker read_* through a
 * program array. An upgrade exchanges the array's entry, so that each call
 * reaches the old worker or the new one. If the workers themselves were
 * attached, a call during the upgrade would be shifted twice or not at all.
 */
#include "clock_read.bpf.h"

char _license[] SEC("license") = "GPL";

#define FEXIT_DOOR(name, function, worker, layout)                  \
	struct {                                                    \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);              \
		__uint(max_entries, 1);                             \
		__type(key, __u32);                                 \
		__type(value, __u32);                               \
	} door_##name SEC(".maps");                                 \
                                                                    \
	SEC("fexit/" #function)                                     \
	int fexit_##name(__u64 *ctx)                                \
	{                                                           \
		if (current_is_virtual())                           \
			bpf_tail_call(ctx, &door_##name, 0);        \
		return 0;                                           \
	}                                                           \
                                                                    \
	SEC("fexit/" #function)                                     \
	int read_##name(__u64 *ctx)                                 \
	{                                                           \
		const struct tnb_clock_page *page = current_page(); \
		struct syscall_args args =                          \
			current_syscall_args(LAYOUT_##layout);      \
                                                                    \
		if (page)                                           \
			worker_##worker(page, &args, (long)ctx[1],  \
					LAYOUT_##layout);           \
		return 0;                                           \
	}

TNB_READ_DOORS(FEXIT_DOOR)
