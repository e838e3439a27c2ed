/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that trace programs which start in a rule. */
#ifndef TIMENSBPF_DAEMON_SERVICE_TRACER_H
#define TIMENSBPF_DAEMON_SERVICE_TRACER_H

#include "ending.h"
#include "jobs.h"
#include "moves.h"
#include "process/start.h"

#include <pthread.h>

struct ring_buffer;

struct tnb_tracers {
	/* Borrowed */
	const struct tnb_injector *injector;
	struct tnb_inbox *inbox;
	const struct tnb_ending *ending;

	struct tnb_jobs jobs;
	pthread_mutex_t turns; /* held by the thread that waits for events */
	struct ring_buffer *ring;
	struct tnb_job *turn; /* its job */

	pthread_mutex_t mutex; /* of `alive`, held for moments */
	pthread_cond_t idle;   /* a tracer has ended */
	unsigned int alive;    /* threads */
};

/* With the borrowed fields filled in. To be closed. */
void tnb_tracers_init(struct tnb_tracers *tracers);
/* `events`: the ring's map. To be joined also after a failure. */
TNB_MUST_CHECK int tnb_tracers_start(struct tnb_tracers *tracers, int events);
/* Once `ending` has begun. */
void tnb_tracers_join(struct tnb_tracers *tracers);
void tnb_tracers_close(struct tnb_tracers *tracers);

#endif
