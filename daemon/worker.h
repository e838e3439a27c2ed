/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that carries out one request at a time: it may take seconds, while
 * the first thread goes on to hear others and to feed the watchdog. */
#ifndef TIMENSBPF_DAEMON_WORKER_H
#define TIMENSBPF_DAEMON_WORKER_H

#include "request.h"

#include <pthread.h>
#include <stdbool.h>

/* Fill in what came of it: result and text. */
typedef void (*worker_carry_out)(const struct request *request,
				 struct tnb_control_answer *answer);

struct worker {
	worker_carry_out carry_out;
	int done; /* eventfd: readable when a job has ended */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	enum { WORKER_IDLE, WORKER_BUSY, WORKER_DONE } state;
	bool ends;
	struct request request;
	struct tnb_control_answer answer;
};

int worker_start(struct worker *worker, worker_carry_out carry_out);
/* Waits for the end of what is under way: *answer can be taken afterwards. */
void worker_stop(struct worker *worker);

bool worker_is_idle(struct worker *worker);
/* To an idle one. The request's descriptor is the worker's. */
void worker_give(struct worker *worker, const struct request *request);
/* What came of the job, if it has ended: the worker is idle then. */
bool worker_take(struct worker *worker, struct tnb_control_answer *answer);

#endif
