/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In its own file, so that tests can link another version. */
#include "version.h"

#include <timensbpf/timensbpf.h>

const char *tnb_version(void)
{
	return TIMENSBPF_VERSION;
}
