/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process beside the loader that lets go of whoever the loader does not:
 * programs that were stopped for it longer than TNB_HOLD_NS, and with the
 * loader dead or hung all that it holds.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_GUARD_H
#define TIMENSBPF_DAEMON_SERVICE_GUARD_H

#include "rules/channel.h"

/* Returns the guard's process id. It ends with its parent. `poke`: an eventfd
 * that wakes the heart. */
TNB_MUST_CHECK pid_t tnb_guard_start(struct tnb_loader_state *state, int poke);
void tnb_guard_stop(pid_t guard);

/* Let go of everybody who is held: there is no loader any more. */
void tnb_guard_release_all(struct tnb_loader_state *state);

#endif
