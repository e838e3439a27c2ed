/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that a stop of ours interrupts are made again. */
#ifndef TIMENSBPF_LOADER_INJECT_RESTART_H
#define TIMENSBPF_LOADER_INJECT_RESTART_H

#include "tracee.h"

/*
 * Calls that answer any wake-up with EINTR (signal(7), "Interruption of system
 * calls … by stop signals"): the kernel is told to make them again unless a
 * signal is delivered before the thread goes on, as it does for others by
 * itself. A timeout among the arguments begins anew. The thread is at the stop
 * that tnb_tracee_wait() waits for. 0 or -errno.
 */
TNB_MUST_CHECK int tnb_restart_interrupted(const struct tnb_tracee *tracee);

#endif
