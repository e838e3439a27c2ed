/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that the library starts with fork(2). */
#ifndef TIMENSBPF_LOADER_BASE_CHILD_H
#define TIMENSBPF_LOADER_BASE_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/*
 * For a child after fork(2): close all file descriptors but the standard ones
 * and those of `keep` (negative ones are ignored). A child may live a moment
 * longer than its parent, and a lock by flock(2) lasts as long as any process
 * has it open. Safe in the child of a process of many threads
 * (signal-safety(7)).
 */
void tnb_child_keep_only(const int *keep, size_t count);

/*
 * As fork(2); a caller of normal priority has one meanwhile that no thread of
 * ours exceeds, and its child has a normal one. A fork has the mappings of the
 * process, and a thread that writes to memory for the first time since the last
 * fork waits for them, whatever its priority is. On a busy machine a fork of
 * normal priority may stand still for long.
 */
pid_t tnb_child_fork(void);

/* Wait for the end of a child; a pid that is not positive is none. */
void tnb_child_reap(pid_t pid);
/* Do not wait for it. It is reaped once it has ended, by one of these calls;
 * some may stay as they are. */
void tnb_child_give_up(pid_t pid);
void tnb_child_reap_given_up(void);

#endif
