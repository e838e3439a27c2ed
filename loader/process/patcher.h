/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing which time running processes read, by a process of its own. */
#ifndef TIMENSBPF_LOADER_PROCESS_PATCHER_H
#define TIMENSBPF_LOADER_PROCESS_PATCHER_H

#include "rules/handle.h"
#include "start.h"

struct tnb_target {
	pid_t pid;
	bool once;  /* for the caller */
	int result; /* out: 0, or as tnb_change_running() */
};

/*
 * See to all of them: each is to read the time of the rule that it lives in.
 * What happens to a target is in its result; the function's own is 0 or a
 * negative errno with a message.
 *
 * Makes two processes and waits for them. Whoever waits for all of its
 * children at the same time may be told of them.
 */
TNB_MUST_CHECK int tnb_patcher_run(struct tnb *tnb, const struct tnb_vdso *vdso,
				   struct tnb_target *targets, size_t count);

#endif
