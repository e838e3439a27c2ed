/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that share their memory: between vfork(2) and exec(2), as
 * posix_spawn(3) and Go start programs, or by clone(2) with CLONE_VM.
 */
#ifndef TIMENSBPF_LOADER_INJECT_MEMORY_H
#define TIMENSBPF_LOADER_INJECT_MEMORY_H

#include "threads.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/abi/memory.h>
#include <timensbpf/timensbpf.h>

/* Programs of bpf/memory.bpf.c: file descriptors. */
struct tnb_memory {
	int users, owners;
};

/* -errno and nothing to be closed, or 0. */
TNB_MUST_CHECK int tnb_memory_open(struct tnb_memory *memory);
void tnb_memory_close(struct tnb_memory *memory);

/* Which thread of the machine uses which memory. */
struct tnb_memory_owners {
	struct tnb_memory_owner *owner;
	size_t count, space;
};

/* To be freed in any case. */
TNB_MUST_CHECK int tnb_memory_list(const struct tnb_memory *memory,
				   struct tnb_memory_owners *owners);
void tnb_memory_free(struct tnb_memory_owners *owners);

/* Whether another process shared the memory of this one then. */
bool tnb_memory_has_sharer(const struct tnb_memory_owners *owners, pid_t pid);

/*
 * Whether somebody else runs with the memory of the process that the calling
 * thread has stopped: another process, or a thread that is not among these. 1,
 * 0, -ESRCH (it is ending), or another negative errno. *dispatches: a thread
 * has its system calls dispatched by user space.
 */
TNB_MUST_CHECK int tnb_memory_is_shared(const struct tnb_memory *memory,
					const struct tnb_threads *threads,
					bool *dispatches);

#endif
