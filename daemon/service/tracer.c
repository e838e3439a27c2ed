/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that trace. One after the other takes an event from the ring and
 * then works on it, while the next one waits: no event goes through a second
 * queue, and a thread sleeps but once until it has work.
 */
#define _GNU_SOURCE
#include "base/error.h"
#include "internal.h"
#include "inject/budget.h"
#include "base/thread.h"

#include <abi/latch.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

/* How long a start may take, on a machine where the process hardly gets a CPU:
 * a bound for what never happens. That the loader hangs is the guard's affair.
 */
#define START_BUDGET_MS 1000

struct tracer {
	struct tnb_loader *loader;
	unsigned int number;
};

/* ---- Taking an event ----------------------------------------------------- */

static struct tnb_job *job_of(struct tnb_loader *loader, __u32 tgid)
{
	for (size_t i = 0; i < TNB_TRACERS; i++)
		if (loader->job[i].busy && loader->job[i].event.tgid == tgid)
			return &loader->job[i];
	return NULL;
}

/* Was this very start seen to already, by somebody who came for one before? */
static bool is_done(const struct tnb_loader *loader,
		    const struct tnb_loader_event *event)
{
	for (size_t i = 0; i < TNB_DONE; i++)
		if (loader->done[i].tgid == event->tgid &&
		    loader->done[i].when_ns >= event->when_ns)
			return true;
	return false;
}

static void job_begin(struct tnb_job *job, const struct tnb_loader_event *event)
{
	*job = (struct tnb_job){
		.event = *event,
		.busy = true,
		.held = event->kind == TNB_EVENT_HELD,
		.hold = event->hold,
	};
}

static void job_add(struct tnb_job *job, const struct tnb_loader_event *event)
{
	if (event->kind == TNB_EVENT_HELD) {
		job->held = true;
		job->hold = event->hold;
	} else {
		job->again = true;
		job->next = *event;
	}
}

/* Is it the job of the thread whose turn it is? Under the mutex. */
static bool take_locked(struct tnb_loader *loader,
			const struct tnb_loader_event *event)
{
	struct tnb_job *busy = job_of(loader, event->tgid);

	if (busy) {
		job_add(busy, event);
		return false;
	}
	if (is_done(loader, event)) {
		if (event->kind == TNB_EVENT_HELD)
			tnb_channel_release(loader->state, event->hold);
		return false;
	}
	job_begin(loader->turn, event);
	return true;
}

int tnb_tracer_take(void *context, void *data, size_t size)
{
	struct tnb_loader *loader = context;
	const struct tnb_loader_event *event = data;
	bool taken;

	if (size < sizeof(*event))
		return 0;
	if (event->kind == TNB_EVENT_MOVED) {
		tnb_loader_moved(loader, (pid_t)event->tgid);
		return 0;
	}
	pthread_mutex_lock(&loader->mutex);
	taken = take_locked(loader, event);
	pthread_mutex_unlock(&loader->mutex);
	/* Negative ends ring_buffer__consume(), with this event taken. */
	return taken ? -ECANCELED : 0;
}

/* Whether there is one. */
static bool wait_for_event(const struct tnb_loader *loader)
{
	struct pollfd wake[] = {
		{ .fd = ring_buffer__epoll_fd(loader->ring), .events = POLLIN },
		{ .fd = loader->end, .events = POLLIN },
	};

	return poll(wake, sizeof(wake) / sizeof(*wake), -1) > 0 &&
	       wake[0].revents;
}

/*
 * The ring has an event that cannot be read: who writes it lost its CPU before
 * it was done (preemptible kernels), perhaps to us. With our priority it would
 * not get it back while we ask.
 */
static void let_it_be_written(void)
{
	const struct timespec nap = { .tv_nsec = 100000 };

	nanosleep(&nap, NULL);
}

/* Wait for work. The others wait for their turn meanwhile. */
static bool next_job(struct tnb_loader *loader, struct tnb_job *job)
{
	bool is_there = false;

	pthread_mutex_lock(&loader->turns);
	loader->turn = job;
	while (!tnb_load_acquire(loader->ending) && !job->busy) {
		if (!ring_buffer__consume(loader->ring) && is_there)
			let_it_be_written();
		is_there = !job->busy && wait_for_event(loader);
	}
	pthread_mutex_unlock(&loader->turns);
	return job->busy;
}

/* ---- Working on it ------------------------------------------------------- */

static void note_done(struct tnb_loader *loader, __u32 tgid, __u64 when_ns)
{
	loader->done[loader->done_next++ % TNB_DONE] =
		(struct tnb_done){ tgid, when_ns };
}

static void count_start(struct tnb_loader *loader,
			const struct tnb_outcome *outcome)
{
	__u64 *counter = outcome->start == TNB_START_FAST
				 ? &loader->state->fast
				 : &loader->state->slow[outcome->why];

	if (outcome->start != TNB_START_FAILED)
		__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* It runs already: its C library makes system calls, but who digs for the
 * kernel's vDSO finds that. */
static bool is_late(const struct tnb_outcome *outcome)
{
	return outcome->start == TNB_START_SLOW &&
	       outcome->why == TNB_SLOW_LATE;
}

/* The job is free again, or has more to do. Under the mutex. */
static bool job_end(struct tnb_loader *loader, struct tnb_job *job,
		    const struct tnb_outcome *outcome)
{
	if (outcome->start == TNB_START_FAST)
		note_done(loader, job->event.tgid, outcome->when_ns);
	/* Or it is the guard who takes the signal back: it may not have been
	 * sent yet. */
	if (job->held && outcome->start == TNB_START_FAST)
		tnb_channel_release(loader->state, job->hold);
	job->held = false;
	job->busy = job->again && !is_done(loader, &job->next);
	job->again = false;
	job->event = job->next;
	return job->busy;
}

static enum tnb_start work(struct tnb_loader *loader, struct tnb_job *job,
			   unsigned int number)
{
	__u32 *tracee = &loader->state->tracee[number];
	struct tnb_outcome outcome;
	bool more;

	do {
		tnb_store_release(*tracee, job->event.tgid);
		outcome = tnb_start_program(&loader->injector, &job->event,
					    START_BUDGET_MS);
		tnb_store_release(*tracee, 0);
		count_start(loader, &outcome);
		if (is_late(&outcome) || outcome.has_no_pass)
			tnb_loader_moved(loader, (pid_t)job->event.tgid);
		pthread_mutex_lock(&loader->mutex);
		more = job_end(loader, job, &outcome);
		pthread_mutex_unlock(&loader->mutex);
	} while (more && outcome.start != TNB_START_STUCK);
	return outcome.start;
}

/* ---- The thread ---------------------------------------------------------- */

static void end_tracer(struct tnb_loader *loader)
{
	pthread_mutex_lock(&loader->mutex);
	loader->tracers--;
	pthread_cond_broadcast(&loader->idle);
	pthread_mutex_unlock(&loader->mutex);
}

static void *run_tracer(void *argument)
{
	struct tracer tracer = *(struct tracer *)argument;
	struct tnb_loader *loader = tracer.loader;
	struct tnb_job *job = &loader->job[tracer.number];
	enum tnb_start start = TNB_START_FAST;

	free(argument);
	tnb_thread_begin("tnb-tracer", 1);
	while (start != TNB_START_STUCK && next_job(loader, job))
		start = work(loader, job, tracer.number);
	/* What it still traces is let go of by its end: another goes on. */
	tnb_budget_free();
	if (start == TNB_START_STUCK && !tnb_load_acquire(loader->ending))
		(void)!tnb_tracer_start(loader, tracer.number);
	end_tracer(loader);
	return NULL;
}

int tnb_tracer_start(struct tnb_loader *loader, unsigned int number)
{
	struct tracer *tracer = malloc(sizeof(*tracer));
	pthread_attr_t attributes;
	pthread_t thread;
	int err;

	if (!tracer)
		return tnb_fail_memory();
	*tracer = (struct tracer){ loader, number };
	pthread_mutex_lock(&loader->mutex);
	loader->job[number].busy = false;
	loader->tracers++;
	pthread_mutex_unlock(&loader->mutex);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	err = pthread_create(&thread, &attributes, run_tracer, tracer);
	pthread_attr_destroy(&attributes);
	if (!err)
		return 0;
	free(tracer);
	end_tracer(loader);
	return tnb_fail(-err, "cannot start a thread: %s", strerror(err));
}
