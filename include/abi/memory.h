/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs of bpf/user/memory.bpf.c tell user space. */
#ifndef TIMENSBPF_ABI_MEMORY_H
#define TIMENSBPF_ABI_MEMORY_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* `memory_users`, of the process that the caller traces. */
struct tnb_memory_users {
	__s32 result; /* 0, -ESRCH (it traces no process that has memory) */
	__s32 users;  /* its threads, processes that share it, and others */
	__u64 memory; /* which that is */
	/* A thread has its system calls dispatched by user space: then one of
	 * ours would end the process. */
	__u32 dispatches;
	__u32 filters; /* a thread has some of seccomp(2), or its strict mode */
};

/* `memory_owners`, read as a file: one for each thread that runs programs, in
 * the order of their numbers. */
struct tnb_memory_owner {
	__u64 memory;	 /* the same number: the same memory */
	__u32 tgid, tid; /* in the first pid namespace */
};

#endif
