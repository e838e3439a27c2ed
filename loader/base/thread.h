/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TIMENSBPF_LOADER_BASE_THREAD_H
#define TIMENSBPF_LOADER_BASE_THREAD_H

/*
 * For a thread of the loader, first of all: its name, and no signals, which are
 * for the caller's own threads. `priority`: of SCHED_FIFO, 0: none. Without the
 * right to it, more processes are held and shells see it (docs/fast-path.md).
 */
void tnb_thread_begin(const char *name, int priority);

#endif
