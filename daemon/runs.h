/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/timensbpf/runs.lock: which loader serves, where there are runs.
 *
 * - A run has a shared flock for its life (cli/keep_loader.c). The loader of a
 *   run takes the lock alone before it ends, so it ends when no run lives.
 * - A daemon goes before the loaders of runs. By record locks it has byte 0,
 * and they share byte 1. Each takes its own byte first and looks at the other's
 *   then. So if both come at once, at least one sees the other.
 */
#ifndef TIMENSBPF_DAEMON_RUNS_H
#define TIMENSBPF_DAEMON_RUNS_H

#include <stdbool.h>

/* For the loader of a run. Returns a descriptor that has the locks, to be kept
 * open until the loader has ended. -EBUSY: a daemon is there. Other negative
 * errnos: the file cannot be used. */
int runs_open(void);
/* Whether a daemon wants to serve: the loader of a run makes way for it. */
bool runs_daemon_waits(int runs);
/* Whether no run lives. Then none begins either while `runs` is open. */
bool runs_are_over(int runs);

/*
 * For the daemon, before it starts its loader: wait until the loaders of runs
 * have ended. They do so within 100 ms, unless one hangs, which is
 * waited for 10 s. None starts until this process ends.
 */
void runs_make_way(void);

#endif
