/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rule that a process lives in. */
#ifndef TIMENSBPF_LOADER_RULES_PLACEMENT_H
#define TIMENSBPF_LOADER_RULES_PLACEMENT_H

#include "handle.h"

#include <stdbool.h>

struct tnb_placement {
	__u32 slot;    /* of its clock page, 0: the host's time */
	bool is_split; /* its threads live under several rules: no thread may
			  read a page */
	/* Of the slot, read before the cgroup of the process: while
	 * `revocations` is unchanged, no process has left the slot (P5 of
	 * abi/page.h). */
	__u64 pass, revocations;
	__u64 load; /* of its clock page */
};

/* 0 or a negative errno; -EAGAIN: it moved just then. `proc`: the open
 * directory in /proc of the thread `pid` (base/proc.h). */
TNB_MUST_CHECK int tnb_placement_of(struct tnb *tnb, int proc, pid_t pid,
				    struct tnb_placement *placement);

#endif
