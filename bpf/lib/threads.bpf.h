/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The threads of a process, one after the other. */
#ifndef TIMENSBPF_BPF_LIB_THREADS_BPF_H
#define TIMENSBPF_BPF_LIB_THREADS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* More than the kernel has numbers for (PID_MAX_LIMIT). */
#define TNB_THREADS_MAX (1u << 22)

struct tnb_thread_walk {
	struct list_head *end, *next;
};

static __always_inline struct tnb_thread_walk
threads_of(struct task_struct *task)
{
	struct signal_struct *shared = BPF_CORE_READ(task, signal);
	struct tnb_thread_walk walk = {
		.end = (void *)shared +
		       bpf_core_field_offset(struct signal_struct, thread_head),
		.next = BPF_CORE_READ(shared, thread_head.next),
	};

	return walk;
}

/* NULL after the last one. */
static __always_inline struct task_struct *
threads_next(struct tnb_thread_walk *walk)
{
	struct list_head *node = walk->next;

	if (!node || node == walk->end)
		return NULL;
	walk->next = BPF_CORE_READ(node, next);
	return (void *)node -
	       bpf_core_field_offset(struct task_struct, thread_node);
}

#endif
