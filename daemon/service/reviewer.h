/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that reviews rules after processes have moved (review.h). */
#ifndef TIMENSBPF_DAEMON_SERVICE_REVIEWER_H
#define TIMENSBPF_DAEMON_SERVICE_REVIEWER_H

#include "ending.h"
#include "moves.h"
#include "rules/handle.h"
#include "vdso/kernel_vdso.h"

struct tnb_reviewer {
	/* Borrowed */
	struct tnb *tnb;
	const struct tnb_vdsos *vdsos;
	struct tnb_inbox *inbox;
	const struct tnb_ending *ending;

	pthread_t thread;
	bool has_thread;
};

/* With the borrowed fields filled in. */
TNB_MUST_CHECK int tnb_reviewer_start(struct tnb_reviewer *reviewer);
/* Once `ending` has begun. */
void tnb_reviewer_join(struct tnb_reviewer *reviewer);

#endif
