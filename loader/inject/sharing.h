/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that share their memory: between vfork(2) and exec(2), as
 * posix_spawn(3) and Go start programs, or by clone(2) with CLONE_VM.
 */
#ifndef TIMENSBPF_LOADER_INJECT_SHARING_H
#define TIMENSBPF_LOADER_INJECT_SHARING_H

#include "threads.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <abi/memory.h>
#include <timensbpf/timensbpf.h>

/* Programs of bpf/user/memory.bpf.c: file descriptors, lent by the caller. */
struct tnb_sharing {
	int users, owners;
};

/* Which thread of the machine uses which memory. */
struct tnb_sharing_owners {
	struct tnb_memory_owner *owner;
	size_t count, space;
};

/* To be freed in any case. */
TNB_MUST_CHECK int tnb_sharing_list(const struct tnb_sharing *memory,
				    struct tnb_sharing_owners *owners);
void tnb_sharing_free(struct tnb_sharing_owners *owners);

/* Whether another process shared the memory of this one then. */
bool tnb_sharing_has_other(const struct tnb_sharing_owners *owners, pid_t pid);

/* What the kernel does with the system calls of some of its threads. */
struct tnb_call_work {
	bool dispatches; /* it has user space dispatch them */
	bool filters;	 /* it filters them, by seccomp(2) */
};

/*
 * Whether anything else runs with the memory of the process that the calling
 * thread has stopped: another process, or a thread that is not among these. 1,
 * 0, -ESRCH (it is ending), or another negative errno.
 */
TNB_MUST_CHECK int tnb_sharing_is_in_use(const struct tnb_sharing *memory,
					 const struct tnb_threads *threads,
					 struct tnb_call_work *work);

#endif
