/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing which time a process reads while it runs. */
#ifndef TIMENSBPF_LOADER_INJECT_LIVE_H
#define TIMENSBPF_LOADER_INJECT_LIVE_H

#include "../home.h"
#include "../link_page.h"
#include "../vdso/maps.h"
#include "exec.h"

/* What a process maps. */
struct tnb_live {
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
TNB_MUST_CHECK int tnb_live_look(pid_t pid, pid_t tid, int proc,
				 struct tnb_live *live);

/* Whether it has pages of a rule, whichever. */
bool tnb_live_is_linked(const struct tnb_live *live);
/* Whether it maps what belongs there. */
bool tnb_live_is_at_home(const struct tnb_live *live,
			 const struct tnb_home *home);

/*
 * Have it read the time of its home, all threads from one instant on; `proc` is
 * the directory by which it was looked at. It is stopped meanwhile; when it
 * goes on, none of its threads has read half of a clock page that was replaced.
 *
 * Needs a thread of its own, with real-time priority if it may. -ESRCH, -EPERM
 * traced by another or a call was refused, -EMFILE, -ENOEXEC, -ENOSPC its vDSO
 * is not the kernel's; -EAGAIN not now. It is as before then. -ETIMEDOUT: the
 * calling thread must end for it to go on.
 */
TNB_MUST_CHECK int tnb_live_change(const struct tnb_injector *injector,
				   const struct tnb_live *live,
				   const struct tnb_home *home, int proc,
				   unsigned int ms);

#endif
