/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's clock, also for a caller that lives in a rule. */
#ifndef TIMENSBPF_LOADER_RULES_HOST_CLOCK_H
#define TIMENSBPF_LOADER_RULES_HOST_CLOCK_H

#include "handle.h"

#include <stdint.h>

/* The host's clock now, in nanoseconds. -EAGAIN: the caller's rule is changed
 * again and again. */
TNB_MUST_CHECK int tnb_host_clock(const struct tnb *tnb,
				  enum tnb_clock_id clock, int64_t *ns);

#endif
