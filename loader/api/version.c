/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of its own, so that tests can link another one. */
#include "version.h"

#include <timensbpf/timensbpf.h>

const char *tnb_version(void)
{
	return TIMENSBPF_VERSION;
}
