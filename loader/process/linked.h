/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All processes of the machine that have pages of a rule. */
#ifndef TIMENSBPF_LOADER_PROCESS_LINKED_H
#define TIMENSBPF_LOADER_PROCESS_LINKED_H

#include "rules/handle.h"
#include "vdso/link_page.h"

#include <sys/types.h>

/* `proc`: the open directory of the thread `tid` in /proc. */
struct tnb_linked {
	pid_t pid, tid;
	int proc;
	struct tnb_link_page page;
};

typedef void (*tnb_linked_visit)(const struct tnb_linked *linked,
				 void *context);

/*
 * Call back for each one, some of them twice. One that was not found may have
 * been born by one that was yet to be looked at and then ended; so all are
 * looked at twice. To stay unfound its parents would have to do so in both
 * turns, each time with a child whose number the turn has passed already.
 * Numbers are handed out upwards, as they are listed.
 *
 * -errno: it cannot be told what a process maps; -ETIMEDOUT, because it kept
 * the examiner waiting (examiner.h).
 */
TNB_MUST_CHECK int tnb_linked_each(const struct tnb *tnb,
				   tnb_linked_visit visit, void *context);

#endif
