/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that give the loader's sign of life every TNB_BEAT_EVERY_MS. They
 * wait for no other thread: without a beat the guard kills a loader that
 * traces.
 *
 * One of each half (halves.h), of real-time priority, above the tracers: its
 * beats count only where the half had a CPU (abi/channel.h). The first of them
 * keeps a guard beside the loader, too, and notices moves whose events were
 * lost. Another one is of normal priority. It beats where real-time threads get
 * no CPU for a while: the kernel takes it from them for as long as a CPU of
 * theirs stood still, if it counts that as used (sched_rt_runtime_us).
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_HEARTBEAT_H
#define TIMENSBPF_DAEMON_SERVICE_HEARTBEAT_H

#include "halves.h"
#include "moves.h"
#include "rules/channel.h"

#include <pthread.h>
#include <semaphore.h>

#define TNB_BEATERS (TNB_HALVES + 1)

struct tnb_heartbeat {
	struct tnb_loader_state *state; /* borrowed */
	struct tnb_inbox *inbox;	/* borrowed */
	int poke;			/* eventfd: the guard misses the beat */
	pid_t guard;
	struct tnb_halves halves;
	pthread_t thread[TNB_BEATERS];
	unsigned int threads; /* that were started */
	sem_t begun;	      /* by each of them */
	bool ends;	      /* atomic */
};

/* Starts the guard, too: to be called before any thread, as it forks. When
 * it returns all threads have their priority, and beat. To be stopped also
 * after a failure. */
TNB_MUST_CHECK int tnb_heartbeat_start(struct tnb_heartbeat *heartbeat,
				       struct tnb_loader_state *state,
				       struct tnb_inbox *inbox);
/* Ends the guard, too. */
void tnb_heartbeat_stop(struct tnb_heartbeat *heartbeat);

#endif
