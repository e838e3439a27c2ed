/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The patcher is a process of its own for three reasons. A thread that cannot
 * be stopped is released by the end of its tracer. A caller that is stopped
 * itself, from a terminal or with its process group, must not keep other
 * processes stopped. And waitpid(2) in a thread of the caller must not be told
 * of the tracees.
 *
 * The watch is a second process. It kills the patcher when that is stopped or
 * makes no progress.
 */
#define _GNU_SOURCE
#include "patcher.h"

#include "base/cgroup.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rules/placement.h"
#include "change.h"
#include "inject/sharing.h"
#include "kernel/pins.h"
#include "base/proc.h"
#include "rules/channel.h"
#include "base/thread.h"

#include <abi/latch.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* The most that a process is kept stopped, on a machine where the patcher
 * hardly gets a CPU: so long, half as long again (inject/budget.h), and the
 * same for its pages (change.c). */
#define CHANGE_BUDGET_MS 1000
#define WATCH_EVERY_MS 10
/* The most that a target takes, examining it included. Looks are counted, not
 * time: where the watch has no CPU, the patcher has none. */
#define LOOKS_MAX 400
/* Where the patcher is ready to run, another CPU may have the watch. */
#define LOOKS_READY_MAX (5 * LOOKS_MAX)
#define WATCH_TRIES 2000

/* Shared with the patcher. */
struct shared {
	/* Atomic. */
	size_t next;	/* target */
	__u64 since_ns; /* it is under way, CLOCK_MONOTONIC */
	bool watched;
	struct tnb_target target[];
};

struct patching {
	struct tnb *tnb;
	struct tnb_injector injector;
	struct tnb_sharing sharing;
	struct tnb_sharing_owners owners;
	struct shared *shared;
	size_t count, size; /* of targets; of `shared` in bytes */
	pid_t parent;
};

/* ---- The patcher --------------------------------------------------------- */

/* A frozen process would not run the code that the patcher sends it to. */
static bool is_frozen(pid_t tid)
{
	_cleanup_free_
	char *path = NULL;
	_cleanup_close_
	int cgroup = -1;

	if (tnb_cgroup_of(tid, &path))
		return false;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup >= 0 && tnb_cgroup_is_frozen(cgroup);
}

static int change(const struct patching *patching, struct tnb_target *target)
{
	struct tnb_view live;
	struct tnb_placement placement;
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(target->pid, &tid);
	int err;

	if (proc < 0)
		return -ESRCH;
	err = tnb_placement_of(patching->tnb, proc, tid, &placement);
	if (!err)
		err = tnb_view_take(target->pid, proc, &live);
	if (err || tnb_view_is_in_place(&live, &placement))
		return err == -ENOENT ? 0 : err;
	/* Do not stop it again and again in vain. */
	if (is_frozen(tid) ||
	    tnb_sharing_has_other(&patching->owners, target->pid))
		return -EAGAIN;
	return tnb_change_running(&patching->injector, &live, &placement, proc,
				  CHANGE_BUDGET_MS);
}

static void change_all(const struct patching *patching)
{
	struct shared *shared = patching->shared;

	/* Without its parent the lock is gone: another process that waits for
	 * it does the rest. */
	while (shared->next < patching->count &&
	       getppid() == patching->parent) {
		struct tnb_target *target = &shared->target[shared->next];

		tnb_store_release(shared->since_ns, tnb_clock_now());
		target->result = change(patching, target);
		tnb_store_release(shared->next, shared->next + 1);
		/* Another goes on: see the head of this file. */
		if (target->result == -ETIMEDOUT)
			return;
	}
}

/* No process is stopped before the watch runs. */
static bool is_watched(const struct shared *shared)
{
	for (int i = 0; i < WATCH_TRIES && !tnb_load_acquire(shared->watched);
	     i++)
		poll(NULL, 0, 1);
	return tnb_load_acquire(shared->watched);
}

/* Keep the files that the patcher needs, and no lock of its parent. */
static void keep_own_files(const struct patching *patching)
{
	int keep[TNB_HANDLE_FILES + 2];
	size_t count = tnb_handle_files(patching->tnb, keep);

	keep[count++] = patching->sharing.users;
	keep[count++] = patching->sharing.owners;
	tnb_child_keep_only(keep, count);
}

static void run_patcher(const struct patching *patching)
{
	keep_own_files(patching);
	tnb_pages_after_fork(patching->tnb->pages);
	setsid();
	tnb_thread_begin("tnb-patcher", 1);
	tnb_channel_be_patcher(patching->injector.state);
	if (is_watched(patching->shared))
		change_all(patching);
	_exit(0);
}

/* ---- The watch ----------------------------------------------------------- */

struct sight {
	__u64 since_ns; /* of the target that is under way */
	unsigned int looks;
};

static bool is_stuck(const struct shared *shared, pid_t patcher,
		     struct sight *sight)
{
	__u64 since = tnb_load_acquire(shared->since_ns);
	char state = tnb_proc_state(patcher);

	sight->looks = since == sight->since_ns ? sight->looks + 1 : 0;
	sight->since_ns = since;
	return state == 'T' ||
	       sight->looks > (state == 'R' ? LOOKS_READY_MAX : LOOKS_MAX);
}

/* How long one that was killed may need to end, where it has to wait for a CPU.
 */
#define END_MS 5000
#define GIVEN_UP 3

static bool has_ended(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	return poll(&end, 1, END_MS) > 0;
}

static void run_watch(const struct patching *patching, pid_t patcher, int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	struct sight sight = { 0 };

	tnb_child_keep_only(&fd, 1);
	setsid();
	tnb_thread_begin("tnb-watch", 2);
	tnb_store_release(patching->shared->watched, true);
	while (poll(&end, 1, WATCH_EVERY_MS) <= 0)
		if (is_stuck(patching->shared, patcher, &sight)) {
			pidfd_send_signal(fd, SIGKILL, NULL, 0);
			_exit(has_ended(fd) ? 0 : GIVEN_UP);
		}
	_exit(0);
}

/*
 * The watch ends once the patcher has, or does not end in spite of being
 * killed: in the kernel, over memory that a server does not bring. Nothing
 * waits for it then; it has no lock, and is reaped later.
 */
static void reap(pid_t patcher, pid_t watch, int fd)
{
	int status = 0;

	while (waitpid(watch, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == GIVEN_UP) {
		tnb_child_give_up(patcher);
		return;
	}
	/* Something else has ended the watch: the patcher must not go on. */
	if (status)
		kill(patcher, SIGKILL);
	if (!status || has_ended(fd))
		tnb_child_reap(patcher);
	else
		tnb_child_give_up(patcher);
}

/* Run one patcher until it ends. */
static int run_one(const struct patching *patching)
{
	pid_t patcher, watch;
	int fd, err;

	tnb_child_reap_given_up();
	tnb_store_release(patching->shared->since_ns, tnb_clock_now());
	tnb_store_release(patching->shared->watched, false);
	patcher = tnb_child_fork();
	if (!patcher)
		run_patcher(patching);
	fd = patcher < 0 ? -1 : pidfd_open(patcher, 0);
	watch = fd < 0 ? -1 : tnb_child_fork();
	err = errno;
	if (!watch)
		run_watch(patching, patcher, fd);
	/* A patcher without a watch must not go on. */
	if (patcher > 0 && watch < 0) {
		kill(patcher, SIGKILL);
		tnb_child_reap(patcher);
	}
	if (watch > 0)
		reap(patcher, watch, fd);
	if (fd >= 0)
		close(fd);
	return patcher < 0 || watch < 0
		       ? tnb_fail(-err, "cannot start a process: %s",
				  strerror(err))
		       : 0;
}

/* A patcher that ends without finishing a target is assumed to have been killed
 * over it: mark that target as timed out and go on. */
static int run_all(const struct patching *patching)
{
	struct shared *shared = patching->shared;
	int err = 0;

	while (!err && shared->next < patching->count) {
		size_t next = shared->next;

		err = run_one(patching);
		if (!err && shared->next == next) {
			shared->target[next].result = -ETIMEDOUT;
			shared->next++;
		}
	}
	return err;
}

/* ---- What it needs ------------------------------------------------------- */

static int map_shared(struct patching *patching,
		      const struct tnb_target *targets)
{
	void *map;

	patching->size =
		sizeof(*patching->shared) + patching->count * sizeof(*targets);
	map = mmap(NULL, patching->size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return tnb_fail_memory();
	patching->shared = map;
	memcpy(patching->shared->target, targets,
	       patching->count * sizeof(*targets));
	return 0;
}

static int open_sharing(struct tnb_sharing *sharing)
{
	sharing->users = tnb_pins_program(TNB_PROGRAM_memory_users);
	if (sharing->users < 0)
		return sharing->users;
	sharing->owners = tnb_pins_program(TNB_PROGRAM_memory_owners);
	return sharing->owners < 0 ? sharing->owners : 0;
}

static int open_patching(struct patching *patching,
			 const struct tnb_vdsos *vdsos)
{
	int err;

	patching->injector.vdsos = vdsos;
	patching->injector.pages = patching->tnb->pages;
	patching->injector.state = patching->tnb->loader;
	patching->injector.keeps_pass = patching->tnb->state.attach ==
					TNB_ATTACH_NONE;
	err = open_sharing(&patching->sharing);
	if (!err)
		err = tnb_sharing_list(&patching->sharing, &patching->owners);
	if (err)
		return tnb_fail(err,
				"cannot tell which processes share memory: %s",
				strerror(-err));
	patching->injector.memory = &patching->sharing;
	return 0;
}

int tnb_patcher_run(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		    struct tnb_target *targets, size_t count)
{
	struct patching patching = {
		.tnb = tnb,
		.sharing = { -1, -1 },
		.count = count,
		.parent = getpid(),
	};
	int err = open_patching(&patching, vdsos);

	if (!err)
		err = map_shared(&patching, targets);
	if (!err) {
		err = run_all(&patching);
		memcpy(targets, patching.shared->target,
		       count * sizeof(*targets));
		munmap(patching.shared, patching.size);
	}
	tnb_sharing_free(&patching.owners);
	tnb_cleanup_close(&patching.sharing.users);
	tnb_cleanup_close(&patching.sharing.owners);
	return err;
}
