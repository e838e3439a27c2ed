/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Returns whether there is one; if not, the thread is to end. */
static bool wait_for_job(struct worker *worker)
{
	bool found;

	pthread_mutex_lock(&worker->mutex);
	while (worker->state != WORKER_BUSY && !worker->ends)
		pthread_cond_wait(&worker->changed, &worker->mutex);
	found = worker->state == WORKER_BUSY;
	pthread_mutex_unlock(&worker->mutex);
	return found;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	prctl(PR_SET_NAME, "tnb-requests");
	while (wait_for_job(worker)) {
		worker->carry_out(&worker->request, &worker->answer);
		if (worker->request.cgroup >= 0)
			close(worker->request.cgroup);
		pthread_mutex_lock(&worker->mutex);
		worker->state = WORKER_DONE;
		pthread_mutex_unlock(&worker->mutex);
		eventfd_write(worker->done, 1);
	}
	return NULL;
}

int worker_start(struct worker *worker, worker_carry_out carry_out)
{
	int err;

	*worker = (struct worker){ .carry_out = carry_out };
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_cond_init(&worker->changed, NULL);
	worker->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->done < 0)
		return -errno;
	err = -pthread_create(&worker->thread, NULL, run, worker);
	worker->has_thread = !err;
	return err;
}

void worker_stop(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->ends = true;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
	if (worker->has_thread)
		pthread_join(worker->thread, NULL);
	worker->has_thread = false;
	if (worker->done >= 0)
		close(worker->done);
	worker->done = -1;
}

bool worker_is_idle(struct worker *worker)
{
	bool idle;

	pthread_mutex_lock(&worker->mutex);
	idle = worker->state == WORKER_IDLE;
	pthread_mutex_unlock(&worker->mutex);
	return idle;
}

void worker_give(struct worker *worker, const struct request *request)
{
	pthread_mutex_lock(&worker->mutex);
	worker->request = *request;
	worker->answer = (struct tnb_control_answer){ 0 };
	worker->state = WORKER_BUSY;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

bool worker_take(struct worker *worker, struct tnb_control_answer *answer)
{
	bool done;

	pthread_mutex_lock(&worker->mutex);
	done = worker->state == WORKER_DONE;
	if (done) {
		*answer = worker->answer;
		worker->state = WORKER_IDLE;
	}
	pthread_mutex_unlock(&worker->mutex);
	return done;
}
