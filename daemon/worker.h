/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that carries out one request at a time. That may take seconds, while
 * the first thread serves other connections and feeds the watchdog. */
#ifndef TIMENSBPF_DAEMON_WORKER_H
#define TIMENSBPF_DAEMON_WORKER_H

#include "request.h"

#include <pthread.h>
#include <stdbool.h>

/* Fill in result and text of the answer. */
typedef void (*worker_carry_out)(const struct request *request,
				 struct tnb_control_answer *answer);

struct worker {
	worker_carry_out carry_out;
	int done; /* eventfd: readable after a job has ended */
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
/* Waits for the end of the current job; its answer can be taken afterwards. */
void worker_stop(struct worker *worker);

bool worker_is_idle(struct worker *worker);
/* The worker is idle, and becomes the owner of the request's descriptor. */
void worker_give(struct worker *worker, const struct request *request);
/* Returns whether the job has ended; then *answer is its answer, and the worker
 * is idle. */
bool worker_take(struct worker *worker, struct tnb_control_answer *answer);

#endif
