/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All threads of a running process, stopped at once. */
#ifndef TIMENSBPF_LOADER_INJECT_THREADS_H
#define TIMENSBPF_LOADER_INJECT_THREADS_H

#include "tracee.h"

struct tnb_threads {
	pid_t tgid;
	struct tnb_tracee *thread;
	size_t count, space;
};

/*
 * Stop them all; `proc` is the directory of one of them (proc.h). System calls
 * that this interrupts are made again, and none is in the kernel when it
 * returns. On failure all are let go of, but see -ETIMEDOUT; release in any
 * case.
 *
 * -ESRCH gone, -EPERM traced by another, -EAGAIN one sleeps where it cannot be
 * stopped (vfork(2), a device). -ETIMEDOUT one did not stop: only the end of
 * the calling thread lets go of it.
 */
TNB_MUST_CHECK int tnb_threads_stop(pid_t tgid, int proc,
				    struct tnb_threads *threads);
/* After tnb_threads_stop_again(): -EAGAIN, there are others by now. */
TNB_MUST_CHECK int tnb_threads_check(const struct tnb_threads *threads,
				     int proc);
bool tnb_threads_has(const struct tnb_threads *threads, pid_t tid);
/* How many have not ended. */
size_t tnb_threads_living(const struct tnb_threads *threads);
/* Let go of all. 0, or -ETIMEDOUT as above. */
TNB_MUST_CHECK int tnb_threads_release(struct tnb_threads *threads);

/* Stop those again that run since tnb_tracee_continue(): `runs` tells of each.
 * As tnb_threads_stop(). */
TNB_MUST_CHECK int tnb_threads_stop_again(struct tnb_threads *threads,
					  const bool *runs);

#endif
