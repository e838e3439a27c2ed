/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one line that tells a user what was wrong. */
#ifndef TIMENSBPF_LOADER_BASE_ERROR_H
#define TIMENSBPF_LOADER_BASE_ERROR_H

#include <string.h>

/*
 * Store the message of the calling thread and return `err` (negative errno).
 * Called once, where the cause is known; callers above only return.
 */
__attribute__((format(printf, 2, 3))) int tnb_fail(int err, const char *format,
						   ...);

/* Out of memory, the same everywhere. */
int tnb_fail_memory(void);

/*
 * A point at which the process may be killed. Tests set TIMENSBPF_TEST_STOP_AT
 * to N, and the N-th point raises SIGKILL.
 */
void tnb_step(void);

#endif
