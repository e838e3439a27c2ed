/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that wait in the kernel, one for each way that there is, and notice
 * when a wait is interrupted or ends too early. */
#ifndef TIMENSBPF_TESTS_PROBES_LIVE_WAITS_H
#define TIMENSBPF_TESTS_PROBES_LIVE_WAITS_H

#include <stdint.h>

struct live_waits {
	uint64_t interrupted, early;
	int64_t early_ms; /* how long the last of those took */
};

/* Waits are judged during which *check stays the same number, not 0.
 * 0 or a negative errno. */
int live_waits_begin(const volatile unsigned int *check);
struct live_waits live_waits_told(void);

#endif
