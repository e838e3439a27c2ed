/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

/* The least of `keep` that is not below `from`, or -1. */
static int next_kept(const int *keep, size_t count, int from)
{
	int next = -1;

	for (size_t i = 0; i < count; i++)
		if (keep[i] >= from && (next < 0 || keep[i] < next))
			next = keep[i];
	return next;
}

void tnb_child_keep_only(const int *keep, size_t count)
{
	int from = STDERR_FILENO + 1, kept;

	while ((kept = next_kept(keep, count, from)) >= 0) {
		if (kept > from)
			close_range((unsigned int)from, (unsigned int)kept - 1,
				    0);
		from = kept + 1;
	}
	close_range((unsigned int)from, UINT_MAX, 0);
}

void tnb_child_reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
