/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a process has to be changed to read the time of the rule that it
 * lives in. */
#ifndef TIMENSBPF_LOADER_PROCESS_NEED_H
#define TIMENSBPF_LOADER_PROCESS_NEED_H

#include "rules/handle.h"

enum tnb_need {
	TNB_NEED_NONE_OUTSIDE, /* nothing; it lives in no rule */
	TNB_NEED_NONE,	       /* nothing; it reads by system calls */
	TNB_NEED_NONE_PAGES,   /* nothing; it has the right pages */
	TNB_NEED_CHANGE,       /* it reads another time */
	TNB_NEED_CHANGE_ONCE,  /* it reads the right time, by system calls: one
				  attempt is worth it */
	TNB_NEED_UNKNOWN,      /* it cannot be looked at */
};

/* `proc`: the open directory in /proc of the process `pid`; `tid`: the thread
 * whose directory that is (base/proc.h). */
enum tnb_need tnb_need_of(struct tnb *tnb, int proc, pid_t pid, pid_t tid);

#endif
