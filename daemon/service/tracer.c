/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No event goes through a second queue, and a thread sleeps only once until it
 * has work.
 */
#define _GNU_SOURCE
#include "tracer.h"

#include "base/error.h"
#include "base/thread.h"
#include "inject/budget.h"
#include "process/memory.h"

#include <abi/latch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct tracer {
	struct tnb_tracers *tracers;
	unsigned int number;
};

static int start_one(struct tnb_tracers *tracers, unsigned int number);

static void end_one(struct tnb_tracers *tracers)
{
	pthread_mutex_lock(&tracers->mutex);
	tracers->alive--;
	pthread_cond_broadcast(&tracers->idle);
	pthread_mutex_unlock(&tracers->mutex);
}

/* Until the service ends. False: the thread holds a process that does not stop.
 */
static bool serve(struct tnb_tracers *tracers, unsigned int number)
{
	struct tnb_loader_state *state = tracers->work.injector->state;
	__u32 *tracee = &state->tracee[number];
	struct tnb_loader_event event;
	bool is_well = true;

	tnb_store_release(state->tracer[number], (__u32)gettid());
	while (is_well && tnb_turns_next(&tracers->turns, number, &event)) {
		tnb_store_release(*tracee, event.tid);
		is_well = tnb_work_do(&tracers->work, &event);
		tnb_store_release(*tracee, 0);
		tnb_halves_join(&tracers->turns.halves, number);
	}
	return is_well;
}

static void *run_tracer(void *argument)
{
	struct tracer tracer = *(struct tracer *)argument;
	struct tnb_tracers *tracers = tracer.tracers;
	bool is_well;

	free(argument);
	tnb_thread_begin("tnb-tracer", 1);
	tnb_halves_join(&tracers->turns.halves, tracer.number);
	is_well = serve(tracers, tracer.number);
	/* The end of this thread releases what it still traces; another takes
	 * its place. */
	tnb_budget_free();
	if (!is_well && !tnb_load_acquire(tracers->turns.ending->now))
		(void)!start_one(tracers, tracer.number);
	end_one(tracers);
	return NULL;
}

static int start_one(struct tnb_tracers *tracers, unsigned int number)
{
	struct tracer *tracer = malloc(sizeof(*tracer));
	pthread_attr_t attributes;
	pthread_t thread;
	int err;

	if (!tracer)
		return tnb_fail_memory();
	*tracer = (struct tracer){ tracers, number };
	pthread_mutex_lock(&tracers->mutex);
	tracers->alive++;
	pthread_mutex_unlock(&tracers->mutex);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	err = pthread_create(&thread, &attributes, run_tracer, tracer);
	pthread_attr_destroy(&attributes);
	if (!err)
		return 0;
	free(tracer);
	end_one(tracers);
	return tnb_fail(-err, "cannot start a thread: %s", strerror(err));
}

void tnb_tracers_init(struct tnb_tracers *tracers)
{
	tnb_turns_init(&tracers->turns);
	pthread_mutex_init(&tracers->mutex, NULL);
	pthread_cond_init(&tracers->idle, NULL);
}

int tnb_tracers_start(struct tnb_tracers *tracers, int events)
{
	int err = tnb_turns_open(&tracers->turns, events);

	tracers->turns.seizing = &tracers->work.injector->state->seizing;
	for (unsigned int i = 0; !err && i < TNB_TRACERS; i++)
		err = start_one(tracers, i);
	return err;
}

/* How long one that is in tnb_memory_mend() may need to end. */
#define MENDER_S 1

bool tnb_tracers_join(struct tnb_tracers *tracers)
{
	struct timespec until;
	unsigned int left;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += MENDER_S;
	pthread_mutex_lock(&tracers->mutex);
	while (tracers->alive > tnb_memory_menders())
		pthread_cond_wait(&tracers->idle, &tracers->mutex);
	while (tracers->alive &&
	       !pthread_cond_clockwait(&tracers->idle, &tracers->mutex,
				       CLOCK_MONOTONIC, &until))
		;
	left = tracers->alive;
	pthread_mutex_unlock(&tracers->mutex);
	return !left;
}

void tnb_tracers_close(struct tnb_tracers *tracers)
{
	tnb_turns_close(&tracers->turns);
	pthread_cond_destroy(&tracers->idle);
	pthread_mutex_destroy(&tracers->mutex);
}
