/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing which time a process reads while it runs. */
#ifndef TIMENSBPF_LOADER_PROCESS_CHANGE_H
#define TIMENSBPF_LOADER_PROCESS_CHANGE_H

#include "rules/placement.h"
#include "vdso/link_page.h"
#include "base/maps.h"
#include "start.h"

/* What a process maps. */
struct tnb_view {
	pid_t pid;
	struct tnb_vdso_maps maps;
	bool has_pages;
	struct tnb_link_page page;
};

/*
 * Look at a process by the directory of a thread of it (proc.h). 0, -ESRCH
 * gone, -ENOEXEC a 32-bit program, -ENOENT no vDSO (it reads by system call),
 * or that its memory cannot be made out.
 */
TNB_MUST_CHECK int tnb_view_take(pid_t pid, pid_t tid, int proc,
				 struct tnb_view *live);

/* Whether it has pages of a rule, whichever. */
bool tnb_view_is_linked(const struct tnb_view *live);
/* Whether it maps what belongs there. */
bool tnb_view_is_in_place(const struct tnb_view *live,
			  const struct tnb_placement *placement);

/*
 * Have it read the time of its placement, all threads from one instant on;
 * `proc` is the directory by which it was looked at. It is stopped meanwhile;
 * when it goes on, none of its threads has read half of a clock page that was
 * replaced.
 *
 * Needs a thread of its own, with real-time priority if it may. -ESRCH, -EPERM
 * traced by another or a call was refused, -EMFILE, -ENOEXEC, -ENOSPC its vDSO
 * is not the kernel's; -EAGAIN not now. It is as before then. -ETIMEDOUT: the
 * calling thread must end for it to go on.
 */
TNB_MUST_CHECK int tnb_change_running(const struct tnb_injector *injector,
				      const struct tnb_view *live,
				      const struct tnb_placement *placement,
				      int proc, unsigned int ms);

#endif
