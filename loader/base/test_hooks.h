/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests steer by environment variables: only in a build with
 * TIMENSBPF_TEST_HOOKS (CMake), nothing in any other. */
#ifndef TIMENSBPF_LOADER_BASE_TEST_HOOKS_H
#define TIMENSBPF_LOADER_BASE_TEST_HOOKS_H

#include <stddef.h>

#ifdef TNB_TEST_HOOKS

/* A point at which the process may be killed: if TIMENSBPF_TEST_STOP_AT is N,
 * the N-th call raises SIGKILL. */
void tnb_step(void);

/* The value of a variable, NULL: it is not set. */
const char *tnb_test_value(const char *name);

#else

static inline void tnb_step(void)
{
}

static inline const char *tnb_test_value(const char *name)
{
	(void)name;
	return NULL;
}

#endif

#endif
