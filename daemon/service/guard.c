/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard's beat says that the loader is watched. When the loader dies, the
 * guard ends its own beat at once, and all threads that are held go on. If both
 * are killed, they do when the beats are older than TNB_BEAT_LIMIT_NS.
 *
 * Threads that the loader traces are released by its death. A loader that is
 * stopped while it traces is therefore killed, and so is one without a
 * heartbeat for TNB_BEAT_LIMIT_NS. A missing CPU is no reason, though: if the
 * heartbeat's thread stands still because its virtual CPU does not run, the
 * tracers still run, and a killed loader could not even end. So the guard pokes
 * the thread, which then needs another CPU only, and waits while it is ready to
 * run.
 */
#define _GNU_SOURCE
#include "guard.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/proc.h"

#include <abi/latch.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool traces_any(const struct tnb_loader_state *state)
{
	for (__u32 i = 0; i < TNB_TRACERS; i++) {
		pid_t tid = (pid_t)tnb_load_acquire(state->tracee[i]);

		if (tid && tnb_proc_state(tid) == 't')
			return true;
	}
	return false;
}

/*
 * What the guard saw of the loader. Looks are counted, not time: after
 * the whole machine stood still, an old beat means nothing until the loader
 * could have given another.
 */
struct sight {
	pid_t loader;
	int poke; /* eventfd that wakes the heartbeat's thread */
	__u64 beat_ns;
	unsigned int looks; /* since that beat */
};

#define LOOKS_MAX TNB_BEAT_LOOKS
/* From here on the thread is poked. */
#define LOOKS_POKE (LOOKS_MAX - 5)
/* While it is ready to run. Frozen by cgroup v1 it looks like that before 6.6
 * (include/linux/sched.h, __task_state_index()). */
#define LOOKS_READY_MAX (10 * LOOKS_MAX)

static bool heartbeat_is_ready(const struct tnb_loader_state *state)
{
	pid_t thread = (pid_t)tnb_load_acquire(state->heartbeat);

	return thread && tnb_proc_state(thread) == 'R';
}

/* Stopped, or without a beat for so long. */
static bool loader_hangs(const struct tnb_loader_state *state,
			 struct sight *sight)
{
	__u64 beat = tnb_load_acquire(state->beat_ns[TNB_BEAT_LOADER]);

	sight->looks = beat == sight->beat_ns ? sight->looks + 1 : 0;
	sight->beat_ns = beat;
	if (sight->looks >= LOOKS_POKE)
		eventfd_write(sight->poke, 1);
	if (tnb_proc_state(sight->loader) == 'T')
		return true;
	return sight->looks >
	       (heartbeat_is_ready(state) ? LOOKS_READY_MAX : LOOKS_MAX);
}

static void end_loader(struct tnb_loader_state *state, int fd)
{
	if (!pidfd_send_signal(fd, SIGKILL, NULL, 0))
		__atomic_add_fetch(&state->hung, 1, __ATOMIC_RELAXED);
}

/* Until the loader has ended, which its pidfd tells. */
static void watch(struct tnb_loader_state *state, int fd, struct sight *sight)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	bool ended = false;
	__u64 own = 0;

	while (poll(&end, 1, TNB_BEAT_EVERY_MS) <= 0) {
		own = tnb_channel_beat(state, TNB_BEAT_GUARD);
		if (ended || !loader_hangs(state, sight) || !traces_any(state))
			continue;
		end_loader(state, fd);
		ended = true;
	}
	/* The guard of another loader may beat already. */
	tnb_channel_silence(state, own);
}

/* Of what the loader has open only the state stays. */
static void run_guard(struct tnb_loader_state *state, int fd, int poke,
		      pid_t loader)
{
	const struct sched_param param = { .sched_priority = 2 };
	struct sight sight = { .loader = loader, .poke = 1 };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "timensbpf-guard");
	sched_setscheduler(0, SCHED_FIFO, &param);
	/* Whatever their numbers are, out of each other's way first. */
	fd = fcntl(fd, F_DUPFD, 2);
	poke = fcntl(poke, F_DUPFD, 2);
	if (dup2(fd, 0) < 0 || dup2(poke, 1) < 0)
		_exit(1);
	close_range(2, ~0U, 0);
	watch(state, 0, &sight);
	_exit(0);
}

pid_t tnb_guard_start(struct tnb_loader_state *state, int poke)
{
	pid_t loader = getpid();
	int fd = pidfd_open(loader, 0);
	pid_t guard = fd < 0 ? -1 : tnb_child_fork();
	int err = errno;

	if (!guard)
		run_guard(state, fd, poke, loader);
	if (fd >= 0)
		close(fd);
	return guard < 0 ? tnb_fail(-err, "cannot start the guard: %s",
				    strerror(err))
			 : guard;
}

void tnb_guard_stop(pid_t guard)
{
	if (guard <= 0)
		return;
	kill(guard, SIGKILL);
	tnb_child_reap(guard);
}
