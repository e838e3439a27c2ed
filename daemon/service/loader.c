/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "internal.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/bpf_map.h"
#include "kernel/pins.h"
#include "base/proc.h"
#include "rules/slots.h"
#include "guard.h"
#include "reviewer.h"
#include "base/thread.h"
#include "vdso/image_pick.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <abi/latch.h>
#include <unistd.h>

#define RUN_DIR "/run/timensbpf"
#define LOCK RUN_DIR "/loader.lock"

/* ---- Who moved ----------------------------------------------------------- */

void tnb_loader_moved(struct tnb_loader *loader, pid_t pid)
{
	pthread_mutex_lock(&loader->mutex);
	tnb_moves_add(&loader->moves, pid);
	pthread_mutex_unlock(&loader->mutex);
	eventfd_write(loader->moved, 1);
}

/* ---- The heart ----------------------------------------------------------- */

/* A guard that ended takes its beat with it, and nobody is held: start
 * another. */
static void revive_guard(struct tnb_loader *loader)
{
	if (loader->guard > 0 && !waitpid(loader->guard, NULL, WNOHANG))
		return;
	loader->guard = tnb_guard_start(loader->state, loader->poke);
}

/* No event tells of them, so somebody has to look. Without the mutex, which the
 * reviewer may hold while it has no CPU: the beat does not wait for it. */
static void look_for_lost(struct tnb_loader *loader, __u64 *seen)
{
	__u64 lost = tnb_read_once(loader->state->moves_lost);

	if (lost == *seen)
		return;
	*seen = lost;
	tnb_store_release(loader->lost, true);
	eventfd_write(loader->moved, 1);
}

static void *run_heart(void *argument)
{
	struct tnb_loader *loader = argument;
	struct pollfd poke = { .fd = loader->poke, .events = POLLIN };
	__u64 lost = tnb_read_once(loader->state->moves_lost);
	eventfd_t pokes;

	tnb_thread_begin("tnb-heart", 2);
	tnb_store_release(loader->state->heart, (__u32)gettid());
	do {
		revive_guard(loader);
		look_for_lost(loader, &lost);
		tnb_channel_beat(loader->state, TNB_BEAT_LOADER);
		if (poll(&poke, 1, TNB_BEAT_EVERY_MS) > 0)
			eventfd_read(loader->poke, &pokes);
	} while (!tnb_load_acquire(loader->heart_ends));
	return NULL;
}

/* ---- The reviewer -------------------------------------------------------- */

/* Of looks at passes that are taken: the first soon, the others less often. */
#define REVIEW_FIRST_MS 20
#define REVIEW_LAST_MS 5000
/* Between reviews, for others who wait for the lock of the rules (pins.c looks
 * every 10 ms). */
#define REVIEW_APART_MS 30

static void take_moves(struct tnb_loader *loader, struct tnb_moves *moves)
{
	pthread_mutex_lock(&loader->mutex);
	if (loader->moves.count > TNB_MOVES)
		moves->count = TNB_MOVES + 1;
	else
		for (size_t i = 0; i < loader->moves.count; i++)
			tnb_moves_add(moves, loader->moves.pid[i]);
	loader->moves.count = 0;
	pthread_mutex_unlock(&loader->mutex);
	/* All are looked at. */
	if (__atomic_exchange_n(&loader->lost, false, __ATOMIC_SEQ_CST))
		moves->count = TNB_MOVES + 1;
}

static void *run_reviewer(void *argument)
{
	struct tnb_loader *loader = argument;
	struct pollfd wake[] = {
		{ .fd = loader->end, .events = POLLIN },
		{ .fd = loader->moved, .events = POLLIN },
	};
	/* First all, for what happened while there was no loader. */
	struct tnb_moves moves = { .count = TNB_MOVES + 1 };
	int pause = REVIEW_FIRST_MS;
	eventfd_t news;

	tnb_thread_begin("tnb-reviewer", 0);
	while (poll(wake, 2, pause) >= 0 && !tnb_load_acquire(loader->ending)) {
		bool stays;

		if (wake[1].revents && !eventfd_read(loader->moved, &news)) {
			pause = REVIEW_FIRST_MS;
			take_moves(loader, &moves);
		}
		stays = tnb_review(loader->tnb, &loader->vdso, &moves);
		poll(wake, 1, REVIEW_APART_MS);
		pause = !stays			     ? -1
			: pause < REVIEW_LAST_MS / 2 ? 2 * pause
						     : REVIEW_LAST_MS;
	}
	return NULL;
}

/* ---- Start and end ------------------------------------------------------- */

static int take_lock(struct tnb_loader *loader)
{
	if (mkdir(RUN_DIR, 0700) && errno != EEXIST)
		return tnb_fail(-errno, "cannot make " RUN_DIR ": %s",
				strerror(errno));
	loader->lock = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (loader->lock < 0)
		return tnb_fail(-errno, "cannot open " LOCK ": %s",
				strerror(errno));
	if (flock(loader->lock, LOCK_EX | LOCK_NB))
		return tnb_fail(
			errno == EWOULDBLOCK ? -EBUSY : -errno,
			"another loader runs: only one at a time serves the programs");
	return 0;
}

/* Of the pinned loader_state, or a negative errno. */
static int64_t pinned_state(void)
{
	_cleanup_close_
	int fd = tnb_pins_get("maps", "loader_state");

	return fd < 0 ? fd : tnb_bpf_map_id(fd);
}

int tnb_loader_check(const struct tnb_loader *loader)
{
	int64_t id = pinned_state();

	if (id == -ENOENT)
		return -ENOENT;
	/* What cannot be told is no reason. */
	return id < 0 || id == loader->state_id ? 0 : -ESTALE;
}

static int open_maps(struct tnb_loader *loader)
{
	int64_t id = pinned_state();
	_cleanup_close_
	int events = -1;
	int err = tnb_channel_map(&loader->state);

	if (err)
		return err;
	loader->state_id = id < 0 ? 0 : (__u32)id;
	loader->injector.map = tnb_pins_get("maps", "clock_pages");
	events = tnb_pins_get("maps", "loader_events");
	if (loader->injector.map < 0 || events < 0)
		return tnb_fail(-ENOENT, "%s/maps is incomplete", TNB_PINS);
	loader->ring = ring_buffer__new(events, tnb_tracer_take, loader, NULL);
	return loader->ring ? 0
			    : tnb_fail(-errno, "cannot read the events: %s",
				       strerror(errno));
}

static int start_threads(struct tnb_loader *loader)
{
	int err = 0;

	loader->guard = tnb_guard_start(loader->state, loader->poke);
	if (loader->guard < 0)
		return (int)loader->guard;
	/* First: the guard misses its beat, once somebody is traced. */
	err = -pthread_create(&loader->heart, NULL, run_heart, loader);
	loader->has_heart = !err;
	for (unsigned int i = 0; !err && i < TNB_TRACERS; i++)
		err = tnb_tracer_start(loader, i);
	if (!err)
		err = -pthread_create(&loader->reviewer, NULL, run_reviewer,
				      loader);
	loader->has_reviewer = !err;
	return err;
}

static bool same_file(const char *a, const char *b)
{
	struct stat first, second;

	return !stat(a, &first) && !stat(b, &second) &&
	       first.st_ino == second.st_ino;
}

/* Beats are compared with the kernel's own clock, and processes called by its
 * own numbers. */
static int check_own_place(const struct tnb *tnb)
{
	uint64_t cgroup;

	if (!tnb_proc_is_first_namespace())
		return tnb_fail(
			-EINVAL,
			"the loader would live in a pid namespace: start it outside (hostPID)");

	if (!tnb_cgroup_id_of(0, &cgroup) && tnb_slot_of(tnb, cgroup))
		return tnb_fail(
			-EINVAL,
			"the loader would live in virtual time itself: start it outside of all rules");
	if (!same_file("/proc/self/ns/time", "/proc/1/ns/time"))
		return tnb_fail(
			-EINVAL,
			"the loader would live in a time namespace: start it outside");
	return 0;
}

/* Who waits for its tracer keeps a CPU that the tracer would need. */
static bool has_cpus(void)
{
	cpu_set_t own;

	return !sched_getaffinity(0, sizeof(own), &own) && CPU_COUNT(&own) > 1;
}

static int start(struct tnb_loader *loader, unsigned int flags)
{
	int err = tnb_open(&loader->tnb);

	if (!err)
		err = take_lock(loader);
	if (!err)
		err = check_own_place(loader->tnb);
	if (!err)
		err = open_maps(loader);
	if (!err)
		err = tnb_vdso_probe(&loader->vdso);
	if (err)
		return err;
	/* Left by a predecessor that was killed. */
	tnb_store_release(loader->state->may_hold, !!(flags & TNB_HOLD));
	tnb_store_release(loader->state->may_wait, has_cpus());
	memset(loader->state->tracee, 0, sizeof(loader->state->tracee));
	tnb_store_release(loader->state->heart, 0);
	tnb_guard_release_all(loader->state);
	loader->injector.vdso = &loader->vdso;
	loader->injector.tnb = loader->tnb;
	loader->injector.state = loader->state;
	loader->injector.pages = loader->tnb->pages;
	loader->end = eventfd(0, EFD_CLOEXEC);
	loader->moved = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loader->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loader->end < 0 || loader->moved < 0 || loader->poke < 0)
		return tnb_fail(-errno, "cannot make an eventfd: %s",
				strerror(errno));
	return start_threads(loader);
}

int tnb_loader_start(struct tnb_loader **out, unsigned int flags)
{
	struct tnb_loader *loader = calloc(1, sizeof(*loader));
	int err;

	if (!loader)
		return tnb_fail_memory();
	loader->lock = loader->injector.map = -1;
	loader->end = loader->moved = loader->poke = -1;
	pthread_mutex_init(&loader->turns, NULL);
	pthread_mutex_init(&loader->mutex, NULL);
	pthread_cond_init(&loader->idle, NULL);
	err = start(loader, flags);
	if (err)
		tnb_loader_stop(&loader);
	else
		*out = loader;
	return err;
}

/* The heart last: without its beat the guard would end us for whom we still
 * trace. Who is stopped for us meanwhile is let go of by the guard. */
static void stop_threads(struct tnb_loader *loader)
{
	const uint64_t one = 1;

	tnb_store_release(loader->ending, true);
	/* Nobody waits for who does not come any more. */
	if (loader->state) {
		tnb_store_release(loader->state->may_hold, 0);
		tnb_store_release(loader->state->may_wait, 0);
	}
	if (loader->end >= 0)
		(void)!write(loader->end, &one, sizeof(one));
	if (loader->has_reviewer)
		pthread_join(loader->reviewer, NULL);
	pthread_mutex_lock(&loader->mutex);
	while (loader->tracers)
		pthread_cond_wait(&loader->idle, &loader->mutex);
	pthread_mutex_unlock(&loader->mutex);
	tnb_store_release(loader->heart_ends, true);
	if (loader->has_heart)
		pthread_join(loader->heart, NULL);
}

bool tnb_loader_is_well(const struct tnb_loader *loader)
{
	return !tnb_channel_is_gone(loader->state, TNB_BEAT_LOADER) &&
	       !tnb_channel_is_gone(loader->state, TNB_BEAT_GUARD);
}

void tnb_loader_stop(struct tnb_loader **handle)
{
	struct tnb_loader *loader = *handle;

	*handle = NULL;
	if (!loader)
		return;
	stop_threads(loader);
	tnb_guard_stop(loader->guard);
	if (loader->state) {
		tnb_channel_silence(loader->state);
		tnb_guard_release_all(loader->state);
	}
	ring_buffer__free(loader->ring);
	tnb_channel_unmap(&loader->state);
	tnb_cleanup_close(&loader->injector.map);
	tnb_cleanup_close(&loader->end);
	tnb_cleanup_close(&loader->moved);
	tnb_cleanup_close(&loader->poke);
	tnb_cleanup_close(&loader->lock);
	tnb_close(&loader->tnb);
	pthread_cond_destroy(&loader->idle);
	pthread_mutex_destroy(&loader->mutex);
	pthread_mutex_destroy(&loader->turns);
	free(loader);
}
