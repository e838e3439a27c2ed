/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a loader may live, and whether it is the only one. */
#ifndef TIMENSBPF_DAEMON_SERVICE_PLACE_H
#define TIMENSBPF_DAEMON_SERVICE_PLACE_H

#include "rules/handle.h"

#include <stdbool.h>

/* Returns a descriptor that keeps other loaders out while it is open, or a
 * negative errno. -EBUSY: another loader has it. */
TNB_MUST_CHECK int tnb_place_lock(void);
/* The loader must live in the host's time and the first pid namespace: beats
 * are compared with the kernel's own clock, and processes are named by its
 * numbers. 0 or -EINVAL. */
TNB_MUST_CHECK int tnb_place_check(const struct tnb *tnb);
/* How many CPUs threads may keep that wait for a tracer: it needs another. */
unsigned int tnb_place_spare_cpus(void);

#endif
