/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process beside the loader that releases processes which the loader does not
 * release: those stopped for it for longer than TNB_HOLD_NS, and, if the loader
 * is dead or hangs, all that it holds.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_GUARD_H
#define TIMENSBPF_DAEMON_SERVICE_GUARD_H

#include "rules/channel.h"

/* Returns the guard's process id. It ends after its parent. `poke`: an eventfd
 * that wakes the heartbeat's thread. */
TNB_MUST_CHECK pid_t tnb_guard_start(struct tnb_loader_state *state, int poke);
void tnb_guard_stop(pid_t guard);

/* Release all processes that are held: there is no loader any more. */
void tnb_guard_release_all(struct tnb_loader_state *state);

#endif
