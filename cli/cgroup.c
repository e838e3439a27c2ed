/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

char *cgroup_resolve(const char *given)
{
	char *mount = NULL, *below = NULL;

	/* No name is not the name of the mount. */
	if (*given && access(given, F_OK) && !tnb_cgroup_mount(&mount) &&
	    asprintf(&below, "%s%s%s", mount, *given == '/' ? "" : "/", given) <
		    0)
		below = NULL;
	free(mount);
	if (below && !access(below, F_OK))
		return below;
	free(below);
	return strdup(given);
}
