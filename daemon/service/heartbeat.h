/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that gives the loader's sign of life every TNB_BEAT_EVERY_MS, keeps
 * a guard beside the loader, and notices moves whose events were lost. It waits
 * for no other thread: without its beat the guard kills a loader that traces.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_HEARTBEAT_H
#define TIMENSBPF_DAEMON_SERVICE_HEARTBEAT_H

#include "moves.h"
#include "rules/channel.h"

struct tnb_heartbeat {
	struct tnb_loader_state *state; /* borrowed */
	struct tnb_inbox *inbox;	/* borrowed */
	int poke;			/* eventfd: the guard misses the beat */
	pid_t guard;
	pthread_t thread;
	bool has_thread;
	bool ends; /* atomic */
};

/* Starts the guard, too: to be called before any thread, as it forks. To be
 * stopped also after a failure. */
TNB_MUST_CHECK int tnb_heartbeat_start(struct tnb_heartbeat *heartbeat,
				       struct tnb_loader_state *state,
				       struct tnb_inbox *inbox);
/* Ends the guard, too. */
void tnb_heartbeat_stop(struct tnb_heartbeat *heartbeat);

#endif
