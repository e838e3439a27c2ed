/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "turns.h"

#include "base/clock.h"
#include "base/error.h"

#include <abi/latch.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

void tnb_turns_init(struct tnb_turns *turns)
{
	tnb_halves_init(&turns->halves);
	for (int i = 0; i < TNB_HALVES; i++)
		pthread_mutex_init(&turns->turn[i], NULL);
	pthread_mutex_init(&turns->reading, NULL);
}

/* Called for each event, in turn. Negative ends ring_buffer__consume(), with
 * this event consumed. */
static int on_event(void *context, void *data, size_t size)
{
	struct tnb_turns *turns = context;
	const struct tnb_loader_event *event = data;

	if (size < sizeof(*event))
		return 0;
	if (event->kind == TNB_EVENT_MOVED) {
		tnb_inbox_add(turns->inbox, (pid_t)event->tgid);
		return 0;
	}
	if (event->kind == TNB_EVENT_CALL)
		__atomic_add_fetch(turns->seizing, 1, __ATOMIC_SEQ_CST);
	*turns->event = *event;
	turns->event = NULL;
	return -ECANCELED;
}

int tnb_turns_open(struct tnb_turns *turns, int events)
{
	turns->ring = ring_buffer__new(events, on_event, turns, NULL);
	return turns->ring ? 0
			   : tnb_fail(-errno, "cannot read the events: %s",
				      strerror(errno));
}

void tnb_turns_close(struct tnb_turns *turns)
{
	ring_buffer__free(turns->ring);
	for (int i = 0; i < TNB_HALVES; i++)
		pthread_mutex_destroy(&turns->turn[i]);
	pthread_mutex_destroy(&turns->reading);
}

/* Whether there is one. Level-triggered: the tracers of both halves wake up. */
static bool wait_for_event(const struct tnb_turns *turns)
{
	struct pollfd wake[] = {
		{ .fd = ring_buffer__epoll_fd(turns->ring), .events = POLLIN },
		{ .fd = turns->ending->fd, .events = POLLIN },
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

/*
 * The thread that an event tells of may be about to run on this CPU, once we
 * sleep (bpf/read/call.bpf.h). So we do not while another tracer reads or
 * seizes, but let only threads of our priority run. A bound for what does not
 * happen.
 */
#define SEIZING_NS 50000000ULL

static bool is_over(__u64 begin)
{
	return tnb_clock_now() - begin >= SEIZING_NS;
}

/* In the end it sleeps: with one CPU the thread that reads may wait for one of
 * lower priority, which gets no CPU from us. */
static void begin_reading(struct tnb_turns *turns)
{
	__u64 begin = tnb_clock_now();

	while (pthread_mutex_trylock(&turns->reading)) {
		if (is_over(begin)) {
			pthread_mutex_lock(&turns->reading);
			return;
		}
		sched_yield();
	}
}

static void await_seizing(const struct tnb_turns *turns)
{
	__u64 begin = tnb_clock_now();

	while (tnb_load_acquire(*turns->seizing) && !is_over(begin))
		sched_yield();
}

enum taken { TAKEN_WORK, TAKEN_OTHERS, TAKEN_NOTHING };

static enum taken take(struct tnb_turns *turns, struct tnb_loader_event *event)
{
	enum taken taken;
	int count;

	begin_reading(turns);
	turns->event = event;
	count = ring_buffer__consume(turns->ring);
	taken = !turns->event ? TAKEN_WORK
		: count	      ? TAKEN_OTHERS
			      : TAKEN_NOTHING;
	turns->event = NULL;
	pthread_mutex_unlock(&turns->reading);
	return taken;
}

bool tnb_turns_next(struct tnb_turns *turns, unsigned int number,
		    struct tnb_loader_event *event)
{
	unsigned int half = number % TNB_HALVES;
	pthread_mutex_t *turn = &turns->turn[half];
	enum taken taken = TAKEN_NOTHING;
	bool is_there = false;

	pthread_mutex_lock(turn);
	while (taken != TAKEN_WORK && !tnb_load_acquire(turns->ending->now)) {
		taken = take(turns, event);
		if (taken == TAKEN_NOTHING && is_there)
			let_it_be_written();
		if (taken != TAKEN_WORK)
			await_seizing(turns);
		is_there = taken != TAKEN_WORK && wait_for_event(turns);
	}
	pthread_mutex_unlock(turn);
	return taken == TAKEN_WORK;
}
