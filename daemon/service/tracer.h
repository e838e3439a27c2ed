/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that work on events: each takes one and then works on it, while the
 * next one waits. */
#ifndef TIMENSBPF_DAEMON_SERVICE_TRACER_H
#define TIMENSBPF_DAEMON_SERVICE_TRACER_H

#include "turns.h"
#include "work.h"

#include <pthread.h>

struct tnb_tracers {
	struct tnb_work work;	/* filled in by the caller */
	struct tnb_turns turns; /* the same, the borrowed fields */

	pthread_mutex_t mutex; /* of `alive`, held for moments */
	pthread_cond_t idle;   /* a tracer has ended */
	unsigned int alive;    /* threads */
};

/* With the borrowed fields filled in. To be closed. */
void tnb_tracers_init(struct tnb_tracers *tracers);
/* `events`: the map, not kept. */
TNB_MUST_CHECK int tnb_tracers_start(struct tnb_tracers *tracers, int events);
/* Wait for all threads, which end once tnb_ending_begin() was called. False:
 * one waits for memory of a process (process/memory.h), and ends with this
 * process.
 */
TNB_MUST_CHECK bool tnb_tracers_join(struct tnb_tracers *tracers);
void tnb_tracers_close(struct tnb_tracers *tracers);

#endif
