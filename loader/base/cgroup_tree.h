/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of cgroups below one. */
#ifndef TIMENSBPF_LOADER_BASE_CGROUP_TREE_H
#define TIMENSBPF_LOADER_BASE_CGROUP_TREE_H

#include <stdint.h>
#include <timensbpf/timensbpf.h>

/* Call back for every cgroup below an open one, parents first; not for itself.
 * The callback returns 0, TNB_WALK_PRUNE (skip what is below) or a negative
 * errno. */
#define TNB_WALK_PRUNE 1
typedef int (*tnb_cgroup_visit)(int fd, uint64_t id, void *context);
TNB_MUST_CHECK int tnb_cgroup_walk(int fd, tnb_cgroup_visit visit,
				   void *context);

/* Wait until every mkdir of a cgroup that is under way has ended. A negative
 * errno: it did not wait. */
TNB_MUST_CHECK int tnb_cgroup_barrier(void);

#endif
