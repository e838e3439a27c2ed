/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread after the other takes an event from the ring and then works on it,
 * while the next one waits. No event goes through a second queue, and a thread
 * sleeps only once until it has work.
 */
#define _GNU_SOURCE
#include "tracer.h"

#include "base/error.h"
#include "base/thread.h"
#include "inject/budget.h"

#include <abi/latch.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a start may take, on a machine where the process hardly gets a CPU:
 * a bound for what never happens. A loader that hangs is the guard's task. */
#define START_BUDGET_MS 1000

struct tracer {
	struct tnb_tracers *tracers;
	unsigned int number;
};

/* ---- Taking an event ----------------------------------------------------- */

/* Called for each event, in turn. Negative ends ring_buffer__consume(), with
 * this event consumed. */
static int on_event(void *context, void *data, size_t size)
{
	struct tnb_tracers *tracers = context;
	const struct tnb_loader_event *event = data;

	if (size < sizeof(*event))
		return 0;
	if (event->kind == TNB_EVENT_MOVED) {
		tnb_inbox_add(tracers->inbox, (pid_t)event->tgid);
		return 0;
	}
	return tnb_jobs_take(&tracers->jobs, tracers->turn, event) ? -ECANCELED
								   : 0;
}

/* Whether there is one. */
static bool wait_for_event(const struct tnb_tracers *tracers)
{
	struct pollfd wake[] = {
		{ .fd = ring_buffer__epoll_fd(tracers->ring),
		  .events = POLLIN },
		{ .fd = tracers->ending->fd, .events = POLLIN },
	};

	return poll(wake, sizeof(wake) / sizeof(*wake), -1) > 0 &&
	       wake[0].revents;
}

/*
 * The ring has an event that cannot be read. On preemptible kernels its writer
 * may lose the CPU before it is done, perhaps to us, and does not get it back
 * while we ask with our priority.
 */
static void let_it_be_written(void)
{
	const struct timespec nap = { .tv_nsec = 100000 };

	nanosleep(&nap, NULL);
}

/* Wait for work. The others wait for their turn meanwhile. */
static bool next_job(struct tnb_tracers *tracers, struct tnb_job *job)
{
	bool is_there = false;

	pthread_mutex_lock(&tracers->turns);
	tracers->turn = job;
	while (!tnb_load_acquire(tracers->ending->now) && !job->busy) {
		if (!ring_buffer__consume(tracers->ring) && is_there)
			let_it_be_written();
		is_there = !job->busy && wait_for_event(tracers);
	}
	pthread_mutex_unlock(&tracers->turns);
	return job->busy;
}

/* ---- Working on it ------------------------------------------------------- */

static void count_start(struct tnb_loader_state *state,
			const struct tnb_outcome *outcome)
{
	__u64 *counter = outcome->start == TNB_START_FAST
				 ? &state->fast
				 : &state->slow[outcome->why];

	if (outcome->start != TNB_START_FAILED)
		__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* It runs already. Its C library makes system calls, but code that looks for
 * the kernel's vDSO by itself finds that. */
static bool is_late(const struct tnb_outcome *outcome)
{
	return outcome->start == TNB_START_SLOW &&
	       outcome->why == TNB_SLOW_LATE;
}

static enum tnb_start work(struct tnb_tracers *tracers, struct tnb_job *job,
			   unsigned int number)
{
	struct tnb_loader_state *state = tracers->injector->state;
	__u32 *tracee = &state->tracee[number];
	struct tnb_outcome outcome;

	do {
		tnb_store_release(*tracee, job->event.tgid);
		outcome = tnb_start_program(tracers->injector, &job->event,
					    START_BUDGET_MS);
		tnb_store_release(*tracee, 0);
		count_start(state, &outcome);
		if (is_late(&outcome) || outcome.has_no_pass)
			tnb_inbox_add(tracers->inbox, (pid_t)job->event.tgid);
	} while (tnb_jobs_end(&tracers->jobs, job, &outcome) &&
		 outcome.start != TNB_START_STUCK);
	return outcome.start;
}

/* ---- The threads --------------------------------------------------------- */

static int start_one(struct tnb_tracers *tracers, unsigned int number);

static void end_one(struct tnb_tracers *tracers)
{
	pthread_mutex_lock(&tracers->mutex);
	tracers->alive--;
	pthread_cond_broadcast(&tracers->idle);
	pthread_mutex_unlock(&tracers->mutex);
}

static void *run_tracer(void *argument)
{
	struct tracer tracer = *(struct tracer *)argument;
	struct tnb_tracers *tracers = tracer.tracers;
	struct tnb_job *job = &tracers->jobs.job[tracer.number];
	enum tnb_start start = TNB_START_FAST;

	free(argument);
	tnb_thread_begin("tnb-tracer", 1);
	while (start != TNB_START_STUCK && next_job(tracers, job))
		start = work(tracers, job, tracer.number);
	/* The end of this thread releases what it still traces; another takes
	 * its place. */
	tnb_budget_free();
	if (start == TNB_START_STUCK && !tnb_load_acquire(tracers->ending->now))
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
	tnb_jobs_reset(&tracers->jobs, number);
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
	tnb_jobs_init(&tracers->jobs);
	pthread_mutex_init(&tracers->turns, NULL);
	pthread_mutex_init(&tracers->mutex, NULL);
	pthread_cond_init(&tracers->idle, NULL);
}

int tnb_tracers_start(struct tnb_tracers *tracers, int events)
{
	int err = 0;

	tracers->jobs.state = tracers->injector->state;
	tracers->ring = ring_buffer__new(events, on_event, tracers, NULL);
	if (!tracers->ring)
		return tnb_fail(-errno, "cannot read the events: %s",
				strerror(errno));
	for (unsigned int i = 0; !err && i < TNB_TRACERS; i++)
		err = start_one(tracers, i);
	return err;
}

void tnb_tracers_join(struct tnb_tracers *tracers)
{
	pthread_mutex_lock(&tracers->mutex);
	while (tracers->alive)
		pthread_cond_wait(&tracers->idle, &tracers->mutex);
	pthread_mutex_unlock(&tracers->mutex);
}

void tnb_tracers_close(struct tnb_tracers *tracers)
{
	ring_buffer__free(tracers->ring);
	pthread_cond_destroy(&tracers->idle);
	pthread_mutex_destroy(&tracers->mutex);
	pthread_mutex_destroy(&tracers->turns);
	tnb_jobs_destroy(&tracers->jobs);
}
