/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The maps that all programs share. They are weak because each source file
 * defines them, and pinned so that rules survive an upgrade. */
#ifndef TIMENSBPF_BPF_LIB_MAPS_BPF_H
#define TIMENSBPF_BPF_LIB_MAPS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <abi/page.h>
#include <abi/tables/counters.h>

/* cgroup id -> slot of its rule, or of the rule that it inherits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TNB_CGROUPS);
	__type(key, __u64);
	__type(value, __u32);
} cgroup_slots __weak SEC(".maps");

/* The page of a rule: a map of one entry, which a process may have in its hands
 * without seeing another rule's. Made by user space (loader/rules/pages.c). */
struct clock_page_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	/* clang leaves out types that only an inner map names. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct tnb_clock_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TNB_SLOTS);
	__type(key, __u32);
	__array(values, struct clock_page_map);
} clock_pages __weak SEC(".maps");

/* NULL: the slot has none. A function of its own, whose stack is free again
 * when the caller's functions need theirs. */
static __attribute__((noinline, unused)) struct tnb_clock_page *
clock_page_of(__u32 slot)
{
	const __u32 first = 0;
	void *map = bpf_map_lookup_elem(&clock_pages, &slot);

	return map ? bpf_map_lookup_elem(map, &first) : NULL;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TNB_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} counters __weak SEC(".maps");

static __always_inline void count(enum tnb_counter which)
{
	__u32 key = which;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	/* Atomic, though per CPU: a program can be preempted half-way. */
	if (value)
		__sync_fetch_and_add(value, 1);
}

#endif
