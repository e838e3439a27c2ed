/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "heartbeat.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/proc.h"
#include "base/thread.h"
#include "guard.h"

#include <abi/latch.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* If the guard has ended, so has its beat, and no process is held any more:
 * start another. */
static void revive_guard(struct tnb_heartbeat *heartbeat)
{
	if (heartbeat->guard > 0 && !waitpid(heartbeat->guard, NULL, WNOHANG))
		return;
	heartbeat->guard = tnb_guard_start(heartbeat->state, heartbeat->poke);
}

static void look_for_lost(struct tnb_heartbeat *heartbeat, __u64 *seen)
{
	__u64 lost = tnb_read_once(heartbeat->state->moves_lost);

	if (lost == *seen)
		return;
	*seen = lost;
	tnb_inbox_add_all(heartbeat->inbox);
}

/* ---- Beats --------------------------------------------------------------- */

/* What a tracer worked on at the last beat. */
struct sight {
	__u32 tracee[TNB_TRACERS];
};

/* Whether a tracer of the half works on the same thread as before, and is ready
 * to run: so it has no CPU. The threads that wait for it are to wait. */
static bool a_tracer_starves(const struct tnb_loader_state *state,
			     unsigned int half, struct sight *sight)
{
	bool starves = false;

	for (__u32 i = half; i < TNB_TRACERS; i += TNB_HALVES) {
		__u32 tracee = tnb_load_acquire(state->tracee[i]);
		bool is_same = tracee && tracee == sight->tracee[i];

		sight->tracee[i] = tracee;
		starves |= is_same && tnb_proc_state((pid_t)tnb_load_acquire(
					      state->tracer[i])) == 'R';
	}
	return starves;
}

static void beat(struct tnb_heartbeat *heartbeat, unsigned int half,
		 struct sight *sight)
{
	struct tnb_loader_state *state = heartbeat->state;

	if (!a_tracer_starves(state, half, sight))
		__atomic_add_fetch(&state->beats[half], 1, __ATOMIC_RELEASE);
	tnb_channel_beat(state, TNB_BEAT_LOADER);
}

/* A thread has its priority, and beats next. */
static void has_begun(struct tnb_heartbeat *heartbeat)
{
	sem_post(&heartbeat->begun);
}

/* Until the next beat. */
static void rest(struct tnb_heartbeat *heartbeat)
{
	struct pollfd poke = { .fd = heartbeat->poke, .events = POLLIN };
	eventfd_t pokes;

	if (poll(&poke, 1, TNB_BEAT_EVERY_MS) > 0)
		eventfd_read(heartbeat->poke, &pokes);
}

static void *run_first(void *argument)
{
	struct tnb_heartbeat *heartbeat = argument;
	__u64 lost = tnb_read_once(heartbeat->state->moves_lost);
	struct sight sight = { 0 };

	tnb_thread_begin("tnb-heartbeat", 2);
	tnb_halves_join(&heartbeat->halves, 0);
	tnb_store_release(heartbeat->state->heartbeat, (__u32)gettid());
	has_begun(heartbeat);
	do {
		revive_guard(heartbeat);
		look_for_lost(heartbeat, &lost);
		beat(heartbeat, 0, &sight);
		rest(heartbeat);
	} while (!tnb_load_acquire(heartbeat->ends));
	return NULL;
}

/* Not poked: one that is too many at the eventfd takes the first one's poke. */
static void nap(void)
{
	const struct timespec pause = { .tv_nsec =
						TNB_BEAT_EVERY_MS * 1000000L };

	nanosleep(&pause, NULL);
}

static void *run_second(void *argument)
{
	struct tnb_heartbeat *heartbeat = argument;
	struct sight sight = { 0 };

	tnb_thread_begin("tnb-heartbeat", 2);
	tnb_halves_join(&heartbeat->halves, 1);
	has_begun(heartbeat);
	do {
		beat(heartbeat, 1, &sight);
		nap();
	} while (!tnb_load_acquire(heartbeat->ends));
	return NULL;
}

#define NICE_MOST (-20)

/* Without the right to the priority it has that of the loader. */
static void *run_normal(void *argument)
{
	struct tnb_heartbeat *heartbeat = argument;

	tnb_thread_begin("tnb-heartbeat", 0);
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_MOST);
	has_begun(heartbeat);
	do {
		tnb_channel_beat(heartbeat->state, TNB_BEAT_LOADER);
		nap();
	} while (!tnb_load_acquire(heartbeat->ends));
	return NULL;
}

/* ---- Start and end ------------------------------------------------------- */

static int start_threads(struct tnb_heartbeat *heartbeat)
{
	static void *(*const run[TNB_BEATERS])(void *) = {
		run_first,
		run_second,
		run_normal,
	};
	int err = 0;

	while (!err && heartbeat->threads < TNB_BEATERS) {
		err = -pthread_create(&heartbeat->thread[heartbeat->threads],
				      NULL, run[heartbeat->threads], heartbeat);
		heartbeat->threads += !err;
	}
	return err ? tnb_fail(err, "cannot start a thread: %s", strerror(-err))
		   : 0;
}

/* A thread has our priority until it runs, and on a busy machine it may not do
 * so for long. Nothing is traced before: the guard would take us for a loader
 * that hangs. */
static void wait_until_begun(struct tnb_heartbeat *heartbeat)
{
	for (unsigned int i = 0; i < heartbeat->threads; i++)
		while (sem_wait(&heartbeat->begun) && errno == EINTR)
			;
}

int tnb_heartbeat_start(struct tnb_heartbeat *heartbeat,
			struct tnb_loader_state *state, struct tnb_inbox *inbox)
{
	int err;

	*heartbeat = (struct tnb_heartbeat){
		.state = state,
		.inbox = inbox,
		.poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	if (heartbeat->poke < 0)
		return tnb_fail(-errno, "cannot make an eventfd: %s",
				strerror(errno));
	heartbeat->guard = tnb_guard_start(state, heartbeat->poke);
	if (heartbeat->guard < 0)
		return (int)heartbeat->guard;
	tnb_halves_init(&heartbeat->halves);
	sem_init(&heartbeat->begun, 0, 0);
	err = start_threads(heartbeat);
	wait_until_begun(heartbeat);
	return err;
}

void tnb_heartbeat_stop(struct tnb_heartbeat *heartbeat)
{
	tnb_store_release(heartbeat->ends, true);
	while (heartbeat->threads)
		pthread_join(heartbeat->thread[--heartbeat->threads], NULL);
	tnb_guard_stop(heartbeat->guard);
	heartbeat->guard = 0;
	tnb_cleanup_close(&heartbeat->poke);
}
