/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for events in turns: of each half of the tracers one thread waits for
 * the next event, and the others wait until it has one (halves.h).
 *
 * A thread that is held without yielding its CPU keeps a tracer waiting that
 * wakes up there; the one of the other half wakes up elsewhere.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_TURNS_H
#define TIMENSBPF_DAEMON_SERVICE_TURNS_H

#include "ending.h"
#include "halves.h"
#include "moves.h"

#include <abi/channel.h>
#include <pthread.h>
#include <stdbool.h>

struct ring_buffer;

struct tnb_turns {
	/* Borrowed */
	struct tnb_inbox *inbox; /* of MOVED events */
	const struct tnb_ending *ending;
	__u32 *seizing; /* of struct tnb_loader_state */

	struct tnb_halves halves;
	pthread_mutex_t turn[TNB_HALVES]; /* held by the one that waits */
	pthread_mutex_t reading; /* of what follows, held for moments */
	struct ring_buffer *ring;
	struct tnb_loader_event *event; /* where the next one goes, or NULL */
};

/* With the borrowed fields filled in. To be closed. */
void tnb_turns_init(struct tnb_turns *turns);
/* `events`: the map, not kept. */
TNB_MUST_CHECK int tnb_turns_open(struct tnb_turns *turns, int events);
/* NULL-safe for what was not opened. */
void tnb_turns_close(struct tnb_turns *turns);

/* Wait for an event that is work. False: the service ends. */
bool tnb_turns_next(struct tnb_turns *turns, unsigned int number,
		    struct tnb_loader_event *event);

#endif
