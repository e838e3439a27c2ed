/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that live in a cgroup. */
#ifndef TIMENSBPF_LOADER_MEMBERS_H
#define TIMENSBPF_LOADER_MEMBERS_H

#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

struct tnb_members {
	pid_t *pid; /* in ascending order; each once */
	size_t count, space;
};

/*
 * Of one open cgroup alone, not of those below: what cgroup.procs names, and
 * processes of which other threads than the first live here alone, as in a
 * threaded cgroup. *members is
 * the caller's to free by tnb_members_free(), also after -ENOMEM. Nobody lives
 * in a cgroup that was removed.
 */
TNB_MUST_CHECK int tnb_members_read(int cgroup, struct tnb_members *members);
void tnb_members_free(struct tnb_members *members);

#endif
