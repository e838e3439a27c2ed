/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's monotonic clock. */
#ifndef TIMENSBPF_LOADER_BASE_CLOCK_H
#define TIMENSBPF_LOADER_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds, as bpf_ktime_get_ns(). */
uint64_t tnb_clock_now(void);

#endif
