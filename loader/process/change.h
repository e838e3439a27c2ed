/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing which time a process reads while it runs. */
#ifndef TIMENSBPF_LOADER_PROCESS_CHANGE_H
#define TIMENSBPF_LOADER_PROCESS_CHANGE_H

#include "start.h"
#include "view.h"

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
