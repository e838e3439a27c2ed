/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that live in a cgroup. */
#ifndef TIMENSBPF_LOADER_PROCESS_CENSUS_H
#define TIMENSBPF_LOADER_PROCESS_CENSUS_H

#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

struct tnb_census {
	pid_t *pid; /* in ascending order; each once */
	size_t count, space;
};

/*
 * Of one open cgroup alone, not of those below: what cgroup.procs names, and
 * processes of which other threads than the first live here alone, as in a
 * threaded cgroup. *members is
 * the caller's to free by tnb_census_free(), also after -ENOMEM. Nobody lives
 * in a cgroup that was removed.
 */
TNB_MUST_CHECK int tnb_census_read(int cgroup, struct tnb_census *members);
void tnb_census_free(struct tnb_census *members);

#endif
