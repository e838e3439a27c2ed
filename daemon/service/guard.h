/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process beside the loader that ends a loader which hangs while it traces,
 * and tells the BPF programs at once when it has died. */
#ifndef TIMENSBPF_DAEMON_SERVICE_GUARD_H
#define TIMENSBPF_DAEMON_SERVICE_GUARD_H

#include "rules/channel.h"

/* Returns the guard's process id. It ends after its parent. `poke`: an eventfd
 * that wakes the heartbeat's thread. */
TNB_MUST_CHECK pid_t tnb_guard_start(struct tnb_loader_state *state, int poke);
void tnb_guard_stop(pid_t guard);

#endif
