/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader's parts, see loader.h for what it is. */
#ifndef TIMENSBPF_DAEMON_SERVICE_INTERNAL_H
#define TIMENSBPF_DAEMON_SERVICE_INTERNAL_H

#include "loader.h"
#include "reviewer.h"
#include "rules/channel.h"

#include "rules/handle.h"
#include "process/start.h"

#include <pthread.h>

struct ring_buffer;

/* A start that a thread works on. Under the loader's mutex. */
struct tnb_job {
	struct tnb_loader_event event;
	bool busy;
	bool held; /* a hold waits for its end, too: the entry `hold` */
	__u32 hold;
	bool again; /* it executes once more: `next` */
	struct tnb_loader_event next;
};

/* Starts that just ended well: a hold of theirs may be told of later. */
#define TNB_DONE 64
struct tnb_done {
	__u32 tgid;
	__u64 when_ns;
};

struct tnb_loader {
	struct tnb *tnb;
	struct tnb_loader_state *state;
	__u32 state_id; /* of its map */
	struct tnb_vdso vdso;
	struct tnb_injector injector;
	int lock; /* one loader at a time */
	pid_t guard;
	int end;		 /* eventfd: readable when all shall end */
	bool ending, heart_ends; /* atomic */
	pthread_t heart, reviewer;
	bool has_heart, has_reviewer;
	int moved; /* eventfd: somebody moved */
	int poke;  /* eventfd: the guard misses the heart's beat */
	bool lost; /* somebody moved of whom no event could tell; atomic */

	pthread_mutex_t turns; /* held by the thread that waits for events */
	struct ring_buffer *ring;
	struct tnb_job *turn; /* its job */

	pthread_mutex_t mutex; /* of what follows, held for moments */
	pthread_cond_t idle;   /* a tracer has ended */
	struct tnb_job job[TNB_TRACERS];
	unsigned int tracers; /* threads alive */
	struct tnb_done done[TNB_DONE];
	unsigned int done_next;
	struct tnb_moves moves;
};

/* Start a thread that traces: its number is that of its job. */
TNB_MUST_CHECK int tnb_tracer_start(struct tnb_loader *loader,
				    unsigned int number);

/* It is to be looked at by the reviewer. */
void tnb_loader_moved(struct tnb_loader *loader, pid_t pid);

/* Called for each event, in turn. context: the loader. */
int tnb_tracer_take(void *context, void *event, size_t size);

#endif
