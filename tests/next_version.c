/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the place of loader/api/version.c. */
#include <timensbpf/timensbpf.h>

const char *tnb_version(void)
{
	return TIMENSBPF_VERSION;
}
