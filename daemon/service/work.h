/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tracer does for an event. */
#ifndef TIMENSBPF_DAEMON_SERVICE_WORK_H
#define TIMENSBPF_DAEMON_SERVICE_WORK_H

#include "moves.h"
#include "process/start.h"

/* Borrowed. */
struct tnb_work {
	const struct tnb_injector *injector;
	struct tnb_inbox *inbox;
};

/* Its hold, if there is one, is answered. False: the calling thread traces a
 * process that does not stop, and has to end for it to be let go of. */
TNB_MUST_CHECK bool tnb_work_do(const struct tnb_work *work,
				const struct tnb_loader_event *event);

#endif
