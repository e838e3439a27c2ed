/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TIMENSBPF_LOADER_BASE_THREAD_H
#define TIMENSBPF_LOADER_BASE_THREAD_H

/*
 * The first thing that a thread of timensbpfd, or a process that the library
 * forks, does: it takes its name and blocks all signals. `priority`: of
 * SCHED_FIFO, 0: none. Without the right to that, programs that start wait
 * longer. Threads of a program that uses the library never come here: they keep
 * their signals and their scheduling class.
 */
void tnb_thread_begin(const char *name, int priority);

/* Run the calling thread on that CPU alone. Where it may not, it stays where it
 * is. */
void tnb_thread_bind(unsigned int cpu);

#endif
