/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line that tells a user what was wrong: tnb_error_message(). */
#ifndef TIMENSBPF_LOADER_BASE_ERROR_H
#define TIMENSBPF_LOADER_BASE_ERROR_H

#include <string.h>

/*
 * Store the message of the calling thread and return `err`, a negative errno.
 * The function that knows the cause calls this once; its callers only return
 * the error.
 */
__attribute__((format(printf, 2, 3))) int tnb_fail(int err, const char *format,
						   ...);

/* tnb_fail() for an allocation that failed: -ENOMEM. */
int tnb_fail_memory(void);

#endif
