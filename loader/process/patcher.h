/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The patcher: a child process that changes which time running processes read.
 */
#ifndef TIMENSBPF_LOADER_PROCESS_PATCHER_H
#define TIMENSBPF_LOADER_PROCESS_PATCHER_H

#include "rules/handle.h"
#include "start.h"

struct tnb_target {
	pid_t pid;
	bool once;  /* one attempt is enough: for the caller's use */
	int result; /* out: 0, or as tnb_change_running() */
};

/*
 * Change each target so that it reads the time of the rule that it lives in.
 * Returns 0, with the outcome of each target in its `result`, or a negative
 * errno with a message.
 *
 * Starts child processes and waits for them. A caller that waits for any child
 * at the same time may be told of their end.
 */
TNB_MUST_CHECK int tnb_patcher_run(struct tnb *tnb,
				   const struct tnb_vdsos *vdsos,
				   struct tnb_target *targets, size_t count);

#endif
