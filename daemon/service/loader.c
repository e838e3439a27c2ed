/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The start and end of the service's parts, in order. */
#include "loader.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "ending.h"
#include "guard.h"
#include "heartbeat.h"
#include "kernel/bpf_map.h"
#include "kernel/pins.h"
#include "moves.h"
#include "place.h"
#include "reviewer.h"
#include "rules/channel.h"
#include "rules/handle.h"
#include "tracer.h"
#include "vdso/image_pick.h"

#include <abi/latch.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tnb_loader {
	struct tnb *tnb;
	struct tnb_loader_state *state;
	__u32 state_id; /* of its map */
	int lock;	/* one loader at a time */
	struct tnb_vdsos vdsos;
	struct tnb_injector injector;

	struct tnb_ending ending;
	struct tnb_inbox inbox;
	struct tnb_heartbeat heartbeat;
	struct tnb_tracers tracers;
	struct tnb_reviewer reviewer;
};

/* ---- The programs that it serves ----------------------------------------- */

/* The id of the pinned loader_state, or a negative errno. */
static int64_t pinned_state(void)
{
	_cleanup_close_
	int fd = tnb_pins_map(TNB_MAP_loader_state);

	return fd < 0 ? fd : tnb_bpf_map_id(fd);
}

int tnb_loader_check(const struct tnb_loader *loader)
{
	int64_t id = pinned_state();

	if (id == -ENOENT)
		return -ENOENT;
	/* An id that cannot be read is no reason to end. */
	return id < 0 || id == loader->state_id ? 0 : -ESTALE;
}

static int open_state(struct tnb_loader *loader)
{
	int64_t id = pinned_state();

	loader->state_id = id < 0 ? 0 : (__u32)id;
	return tnb_channel_map(&loader->state);
}

/* ---- Start --------------------------------------------------------------- */

/* A predecessor that was killed may have left the state as it was. */
static void reset_state(struct tnb_loader_state *state)
{
	memset(state->tracee, 0, sizeof(state->tracee));
	memset(state->tracer, 0, sizeof(state->tracer));
	tnb_store_release(state->heartbeat, 0);
	tnb_store_release(state->seizing, 0);
}

/* Threads that wait for their answer get it from now on. */
static void hold_threads(struct tnb_loader_state *state)
{
	tnb_store_release(state->may_spin, tnb_place_spare_cpus());
	tnb_store_release(state->may_hold, 1);
}

static int start_threads(struct tnb_loader *loader)
{
	_cleanup_close_
	int events = tnb_pins_map(TNB_MAP_loader_events);
	int err;

	if (events < 0)
		return tnb_fail(-ENOENT, "%s/maps is incomplete", TNB_PINS);
	/* First: the guard misses the beat as soon as a process is traced. */
	err = tnb_heartbeat_start(&loader->heartbeat, loader->state,
				  &loader->inbox);
	if (!err)
		err = tnb_tracers_start(&loader->tracers, events);
	if (!err)
		err = tnb_reviewer_start(&loader->reviewer);
	return err;
}

static int prepare(struct tnb_loader *loader)
{
	int err = tnb_open(&loader->tnb);

	if (err)
		return err;
	loader->lock = tnb_place_lock();
	if (loader->lock < 0)
		return loader->lock;
	err = tnb_place_check(loader->tnb);
	if (!err)
		err = open_state(loader);
	return err ? err : tnb_vdso_probe(&loader->vdsos);
}

static int start(struct tnb_loader *loader)
{
	int err = prepare(loader);

	if (err)
		return err;
	reset_state(loader->state);
	loader->injector = (struct tnb_injector){
		.vdsos = &loader->vdsos,
		.pages = loader->tnb->pages,
		.state = loader->state,
	};
	loader->reviewer.tnb = loader->tnb;
	err = start_threads(loader);
	if (!err)
		hold_threads(loader->state);
	return err;
}

/* After this tnb_loader_stop() finds all parts in a defined state. */
static int make_parts(struct tnb_loader *loader)
{
	int ending = tnb_ending_open(&loader->ending);
	int inbox = tnb_inbox_open(&loader->inbox);

	loader->lock = loader->heartbeat.poke = -1;
	loader->tracers = (struct tnb_tracers){
		.work = { .injector = &loader->injector,
			  .inbox = &loader->inbox },
		.turns = { .inbox = &loader->inbox, .ending = &loader->ending },
	};
	tnb_tracers_init(&loader->tracers);
	loader->reviewer = (struct tnb_reviewer){
		.vdsos = &loader->vdsos,
		.inbox = &loader->inbox,
		.ending = &loader->ending,
	};
	return ending ? ending : inbox;
}

int tnb_loader_start(struct tnb_loader **out)
{
	struct tnb_loader *loader = calloc(1, sizeof(*loader));
	int err;

	tnb_log_init();
	if (!loader)
		return tnb_fail_memory();
	err = make_parts(loader);
	if (!err)
		err = start(loader);
	if (err)
		tnb_loader_stop(&loader);
	else
		*out = loader;
	return err;
}

/* ---- Life and end -------------------------------------------------------- */

bool tnb_loader_is_well(const struct tnb_loader *loader)
{
	return !tnb_channel_is_gone(loader->state, TNB_BEAT_LOADER) &&
	       !tnb_channel_is_gone(loader->state, TNB_BEAT_GUARD);
}

/* The heartbeat last: without it the guard would kill us for processes that we
 * still trace. A thread whose event no tracer takes any more gives up when the
 * beat has ended. False: a tracer does not end. */
static bool stop_threads(struct tnb_loader *loader)
{
	bool ended;

	/* No thread may wait for a tracer that will not come. */
	if (loader->state)
		tnb_store_release(loader->state->may_hold, 0);
	tnb_ending_begin(&loader->ending);
	tnb_reviewer_join(&loader->reviewer);
	ended = tnb_tracers_join(&loader->tracers);
	tnb_heartbeat_stop(&loader->heartbeat);
	return ended;
}

void tnb_loader_stop(struct tnb_loader **handle)
{
	struct tnb_loader *loader = *handle;
	bool ended;

	*handle = NULL;
	if (!loader)
		return;
	ended = stop_threads(loader);
	if (loader->state)
		tnb_channel_silence(
			loader->state,
			tnb_load_acquire(
				loader->state->beat_ns[TNB_BEAT_GUARD]));
	tnb_cleanup_close(&loader->lock);
	/* A tracer uses the rest, until the process ends. */
	if (!ended)
		return;
	tnb_tracers_close(&loader->tracers);
	tnb_inbox_close(&loader->inbox);
	tnb_ending_close(&loader->ending);
	tnb_channel_unmap(&loader->state);
	tnb_close(&loader->tnb);
	free(loader);
}
