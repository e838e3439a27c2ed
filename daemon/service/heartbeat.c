/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "heartbeat.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/thread.h"
#include "guard.h"

#include <abi/latch.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
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

static void *run_heartbeat(void *argument)
{
	struct tnb_heartbeat *heartbeat = argument;
	struct pollfd poke = { .fd = heartbeat->poke, .events = POLLIN };
	__u64 lost = tnb_read_once(heartbeat->state->moves_lost);
	eventfd_t pokes;

	tnb_thread_begin("tnb-heartbeat", 2);
	tnb_store_release(heartbeat->state->heartbeat, (__u32)gettid());
	do {
		revive_guard(heartbeat);
		look_for_lost(heartbeat, &lost);
		tnb_channel_beat(heartbeat->state, TNB_BEAT_LOADER);
		if (poll(&poke, 1, TNB_BEAT_EVERY_MS) > 0)
			eventfd_read(heartbeat->poke, &pokes);
	} while (!tnb_load_acquire(heartbeat->ends));
	return NULL;
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
	err = -pthread_create(&heartbeat->thread, NULL, run_heartbeat,
			      heartbeat);
	heartbeat->has_thread = !err;
	return err ? tnb_fail(err, "cannot start a thread: %s", strerror(-err))
		   : 0;
}

void tnb_heartbeat_stop(struct tnb_heartbeat *heartbeat)
{
	tnb_store_release(heartbeat->ends, true);
	if (heartbeat->has_thread)
		pthread_join(heartbeat->thread, NULL);
	heartbeat->has_thread = false;
	tnb_guard_stop(heartbeat->guard);
	heartbeat->guard = 0;
	tnb_cleanup_close(&heartbeat->poke);
}
