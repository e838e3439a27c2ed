/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rule a process lives in. */
#ifndef TIMENSBPF_LOADER_RULES_PLACEMENT_H
#define TIMENSBPF_LOADER_RULES_PLACEMENT_H

#include "handle.h"

#include <stdbool.h>

struct tnb_placement {
	__u32 slot;    /* of its clock page, 0: the host's time */
	bool is_split; /* threads of it live elsewhere: none may read a page */
	/* Of the slot, before it was looked whether the process lives there:
	 * as long as `taken` is that, nobody left (P5 of clock_page.h). */
	__u64 pass, taken;
	__u64 load; /* of its clock page */
};

/* 0 or a negative errno; -EAGAIN: it moved just then. `proc`: its directory in
 * /proc, `pid`: whose that is (proc.h). */
TNB_MUST_CHECK int tnb_placement_of(struct tnb *tnb, int proc, pid_t pid,
				    struct tnb_placement *home);

#endif
