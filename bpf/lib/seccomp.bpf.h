/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Whether the current thread may read a clock by system call, for all that its
 * seccomp filters say. The kernel knows of each call whether all filters allow
 * it whatever its arguments (kernel/seccomp.c, seccomp_cache_prepare(), since
 * 5.11). A call that they allow only with some arguments counts as refused.
 */
#ifndef TIMENSBPF_BPF_LIB_SECCOMP_BPF_H
#define TIMENSBPF_BPF_LIB_SECCOMP_BPF_H

#include "vmlinux.h"

#include <abi/tables/arch/calls.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define TNB_SECCOMP_MODE_DISABLED 0 /* include/uapi/linux/seccomp.h */
#define TNB_SECCOMP_MODE_FILTER 2

#define TNB_WORD_BITS (8 * sizeof(unsigned long))

/* A 32-bit program is one with a 4 GiB address space. */
static __always_inline bool current_is_narrow(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return BPF_CORE_READ(task, mm, task_size) <= 0xffffffffu;
}

static __always_inline bool is_allowed(const unsigned long *map, __u32 call)
{
	unsigned long word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), &map[call / TNB_WORD_BITS]);
	return word >> call % TNB_WORD_BITS & 1;
}

static __always_inline bool
filters_allow_clocks(const struct seccomp_filter *filter, bool is_32bit)
{
#define IS_ALLOWED(call) &&is_allowed(map, call)
	if (!is_32bit && bpf_core_field_exists(filter->cache.allow_native)) {
		const unsigned long *map = filter->cache.allow_native;

		return true TNB_CLOCK_CALLS(IS_ALLOWED);
	}
	if (is_32bit && bpf_core_field_exists(filter->cache.allow_compat)) {
		const unsigned long *map = filter->cache.allow_compat;

		return true TNB_CLOCK_CALLS_32(IS_ALLOWED);
	}
#undef IS_ALLOWED
	return false;
}

static __always_inline bool current_may_call_clocks(bool is_32bit)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct seccomp_filter *filter;

	switch (BPF_CORE_READ(task, seccomp.mode)) {
	case TNB_SECCOMP_MODE_DISABLED:
		return true;
	case TNB_SECCOMP_MODE_FILTER:
		filter = BPF_CORE_READ(task, seccomp.filter);
		return filter && filters_allow_clocks(filter, is_32bit);
	default: /* strict: read(2), write(2), and the ends */
		return false;
	}
}

#endif
