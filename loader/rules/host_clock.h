/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's clock, also for a caller that lives in virtual time itself. */
#ifndef TIMENSBPF_LOADER_RULES_HOST_CLOCK_H
#define TIMENSBPF_LOADER_RULES_HOST_CLOCK_H

#include "handle.h"

#include <stdint.h>

/* Nanoseconds of the host's clock now. */
TNB_MUST_CHECK int tnb_host_clock(const struct tnb *tnb,
				  enum tnb_clock_id clock, int64_t *ns);

#endif
