/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that is stopped makes no other: once a listing names none that we do
 * not have, all are stopped. All are asked first, and then waited for, so that
 * they stop at the same time.
 */
#define _GNU_SOURCE
#include "threads.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "restart.h"

#include <errno.h>
#include <stdlib.h>

/* Threads that begin meanwhile are found by another listing. */
#define LISTINGS_MAX 100

bool tnb_threads_has(const struct tnb_threads *threads, pid_t tid)
{
	for (size_t i = 0; i < threads->count; i++)
		if (threads->thread[i].tid == tid)
			return true;
	return false;
}

static int add(struct tnb_threads *threads, pid_t tid)
{
	void *grown = tnb_array_grow(threads->thread, threads->count,
				     &threads->space, sizeof(*threads->thread));
	int err;

	if (!grown)
		return -ENOMEM;
	threads->thread = grown;
	err = tnb_tracee_begin(tid, threads->tgid,
			       &threads->thread[threads->count]);
	if (!err)
		threads->count++;
	return err == -ESRCH ? 0 : err;
}

static int begin_one(struct tnb_threads *threads, DIR *listing, pid_t tid)
{
	char state;
	int err;

	if (tnb_threads_has(threads, tid))
		return 0;
	state = tnb_proc_thread_state(listing, tid);
	if (tnb_proc_has_ended(state))
		return 0;
	if (state == 'D')
		return -EAGAIN;
	err = add(threads, tid);
	/* It executes a program. */
	if (err == -EINTR)
		return -EAGAIN;
	/* As the kernel answers for one that is about to end, too. */
	return err == -EPERM && tnb_proc_has_ended(
					tnb_proc_thread_state(listing, tid))
		       ? 0
		       : err;
}

/* All threads that are not known yet. */
static int begin_all(struct tnb_threads *threads, int proc)
{
	_cleanup_closedir_ DIR *listing = tnb_proc_threads(proc);
	int err = listing ? 0 : -ESRCH;
	pid_t tid;

	while (!err && (tid = tnb_proc_next(listing)))
		err = begin_one(threads, listing, tid);
	return err;
}

/* One that has ended is found so when it is waited for. */
static void interrupt_all(const struct tnb_threads *threads, size_t from)
{
	for (size_t i = from; i < threads->count; i++)
		(void)!tnb_tracee_interrupt(&threads->thread[i]);
}

static int wait_one(struct tnb_tracee *tracee)
{
	int err = tnb_tracee_wait(tracee);

	/* It has ended, which is as good. */
	if (err == -ESRCH)
		return 0;
	return err ? err : tnb_restart_interrupted(tracee);
}

/* Also those that were begun before a failure: they have to be stopped to be
 * let go of. */
static int wait_all(struct tnb_threads *threads, size_t from)
{
	int err = 0;

	for (size_t i = from; i < threads->count; i++) {
		int one = wait_one(&threads->thread[i]);

		if (one && err != -ETIMEDOUT)
			err = one;
	}
	return err;
}

/*
 * All that are not known yet: how many of them there were.
 *
 * An interruption cuts off the writing of a core file. A signal that ends a
 * traced thread stops it first. So if no core file is being written once all
 * threads are traced, none was begun before; or the kernel has not yet come to
 * where it forgets earlier interruptions (fs/coredump.c, zap_threads()). A
 * seccomp filter that kills does not stop for the tracer: a core file that
 * begins between this look and the interruption is cut off. A process that
 * writes one stays traced until the calling thread ends.
 */
static int stop_more(struct tnb_threads *threads, int proc)
{
	size_t from = threads->count;
	int stopped, err = begin_all(threads, proc);

	if (threads->count > from && tnb_proc_dumps_core(proc))
		return -ETIMEDOUT;
	interrupt_all(threads, from);
	stopped = wait_all(threads, from);
	if (stopped)
		return stopped;
	return err ? err : (int)(threads->count - from);
}

int tnb_threads_stop(pid_t tgid, int proc, struct tnb_threads *threads)
{
	int begun = 1;

	*threads = (struct tnb_threads){ .tgid = tgid };
	if (tnb_proc_dumps_core(proc))
		return -EAGAIN;
	for (int i = 0; i < LISTINGS_MAX && begun > 0; i++)
		begun = stop_more(threads, proc);
	if (begun > 0)
		return -EAGAIN;
	return begun < 0 ? begun : threads->count ? 0 : -ESRCH;
}

int tnb_threads_check(const struct tnb_threads *threads, int proc)
{
	_cleanup_closedir_ DIR *listing = tnb_proc_threads(proc);
	pid_t tid;

	if (!listing)
		return -ESRCH;
	while ((tid = tnb_proc_next(listing)))
		if (!tnb_threads_has(threads, tid) &&
		    !tnb_proc_has_ended(tnb_proc_thread_state(listing, tid)))
			return -EAGAIN;
	return 0;
}

size_t tnb_threads_living(const struct tnb_threads *threads)
{
	size_t living = 0;

	for (size_t i = 0; i < threads->count; i++)
		living += !threads->thread[i].gone;
	return living;
}

int tnb_threads_stop_again(struct tnb_threads *threads, const bool *runs)
{
	int err = 0;

	for (size_t i = 0; i < threads->count; i++)
		if (runs[i] && tnb_tracee_interrupt(&threads->thread[i]))
			threads->thread[i].gone = true;
	for (size_t i = 0; i < threads->count; i++) {
		if (runs[i] && !threads->thread[i].gone) {
			int one = wait_one(&threads->thread[i]);

			if (one)
				err = one;
		}
	}
	return err;
}

int tnb_threads_release(struct tnb_threads *threads)
{
	int err = 0;

	for (size_t i = 0; i < threads->count; i++)
		if (tnb_tracee_detach(&threads->thread[i]))
			err = -ETIMEDOUT;
	free(threads->thread);
	*threads = (struct tnb_threads){ 0 };
	return err;
}
