/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test_hooks.h"

#ifdef TNB_TEST_HOOKS

#include <signal.h>
#include <stdlib.h>

void tnb_step(void)
{
	static long steps;
	const char *stop_at = tnb_test_value("TIMENSBPF_TEST_STOP_AT");

	if (stop_at && ++steps == strtol(stop_at, NULL, 10))
		raise(SIGKILL);
}

const char *tnb_test_value(const char *name)
{
	return getenv(name);
}

#endif
