/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts that tracers work on, one a tracer, and those that just ended. */
#ifndef TIMENSBPF_DAEMON_SERVICE_JOBS_H
#define TIMENSBPF_DAEMON_SERVICE_JOBS_H

#include "process/start.h"

#include <pthread.h>
#include <stdbool.h>

struct tnb_job {
	struct tnb_loader_event event;
	/* Set and cleared by its tracer only, which alone may read it without
	 * the mutex. */
	bool busy;
	bool held; /* a hold waits for its end, too: the entry `hold` */
	__u32 hold;
	bool again; /* the process executes once more: `next` */
	struct tnb_loader_event next;
};

/* Starts that just ended fast: the event of a hold of theirs may come later. */
#define TNB_DONE 64
struct tnb_done {
	__u32 tgid;
	__u64 when_ns;
};

struct tnb_jobs {
	struct tnb_loader_state *state; /* borrowed, set before a tracer runs */
	pthread_mutex_t mutex;		/* of what follows, held for moments */
	struct tnb_job job[TNB_TRACERS];
	struct tnb_done done[TNB_DONE];
	unsigned int done_next;
};

void tnb_jobs_init(struct tnb_jobs *jobs);
void tnb_jobs_destroy(struct tnb_jobs *jobs);
/* A new tracer begins with a free job. */
void tnb_jobs_reset(struct tnb_jobs *jobs, unsigned int number);
/* Returns whether the event is the free job `job` from now on. If not, it
 * belongs to a start that another tracer works on, or that has ended. */
bool tnb_jobs_take(struct tnb_jobs *jobs, struct tnb_job *job,
		   const struct tnb_loader_event *event);
/* Returns whether the job has another start to do; else it is free. */
bool tnb_jobs_end(struct tnb_jobs *jobs, struct tnb_job *job,
		  const struct tnb_outcome *outcome);

#endif
