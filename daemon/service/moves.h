/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that moved to another rule, and wait for the reviewer. */
#ifndef TIMENSBPF_DAEMON_SERVICE_MOVES_H
#define TIMENSBPF_DAEMON_SERVICE_MOVES_H

#include "rules/slots.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

#define TNB_MOVES 64
struct tnb_moves {
	size_t count; /* more than TNB_MOVES: too many to be named */
	pid_t pid[TNB_MOVES];
	/* Consecutive reviews that could not change the process or, if not all
	 * were named, one of them. */
	unsigned int tries[TNB_MOVES], failed;
	/* By slot, consecutive reviews that found its page mapped by a process
	 * in another rule. */
	unsigned char leftovers[TNB_SLOTS];
};

void tnb_moves_add(struct tnb_moves *moves, pid_t pid);
/* The next review looks at all processes. */
void tnb_moves_add_all(struct tnb_moves *moves);

/* Filled by any thread, emptied by the reviewer. */
struct tnb_inbox {
	pthread_mutex_t mutex; /* of `moves`, held for moments */
	struct tnb_moves moves;
	bool all; /* processes moved of which no event could tell; atomic */
	int wake; /* eventfd: readable when there is something */
};

TNB_MUST_CHECK int tnb_inbox_open(struct tnb_inbox *inbox);
void tnb_inbox_close(struct tnb_inbox *inbox);
void tnb_inbox_add(struct tnb_inbox *inbox, pid_t pid);
/* Never waits, not even for the mutex. */
void tnb_inbox_add_all(struct tnb_inbox *inbox);
/* Move everything to *moves. */
void tnb_inbox_take(struct tnb_inbox *inbox, struct tnb_moves *moves);

#endif
