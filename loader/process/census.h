/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes that live in a cgroup. */
#ifndef TIMENSBPF_LOADER_PROCESS_CENSUS_H
#define TIMENSBPF_LOADER_PROCESS_CENSUS_H

#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

struct tnb_census {
	pid_t *pid; /* in ascending order, unless said; each once */
	size_t count, space;
};

/*
 * The processes of one open cgroup, not of those below: the ones that
 * cgroup.procs names, and those of which only later threads live here, as in a
 * threaded cgroup. A removed cgroup has none. *members is to be freed with
 * tnb_census_free(), also after -ENOMEM.
 */
TNB_MUST_CHECK int tnb_census_read(int cgroup, struct tnb_census *members);
/* The same of the whole machine, in no order. */
TNB_MUST_CHECK int tnb_census_machine(struct tnb_census *members);
void tnb_census_free(struct tnb_census *members);

#endif
