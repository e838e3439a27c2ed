/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroup v2 directories: names, ids, the tree below one. */
#ifndef TIMENSBPF_LOADER_BASE_CGROUP_H
#define TIMENSBPF_LOADER_BASE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <timensbpf/timensbpf.h>

/*
 * Open a cgroup v2 directory that may carry a rule. Returns an fd to be closed
 * and stores the cgroup's id. -EINVAL: no such directory, or the root.
 */
TNB_MUST_CHECK int tnb_cgroup_open(const char *path, uint64_t *id);

/* The path of an id below `mount`, to be freed; -ENOENT: it is gone, and no
 * other error says so. Needs CAP_DAC_READ_SEARCH (open_by_handle_at(2)). */
TNB_MUST_CHECK int tnb_cgroup_path(const char *mount, uint64_t id, char **path);

/* Id of the cgroup of a process, 0: the caller. */
TNB_MUST_CHECK int tnb_cgroup_id_of(pid_t pid, uint64_t *id);

/* Id of the parent of an open cgroup, 0 if that is the root. */
TNB_MUST_CHECK int tnb_cgroup_parent(int fd, uint64_t *id);

/* Has it, or one below, processes? A removed one has not. */
bool tnb_cgroup_is_populated(int fd);
/* By cgroup.freeze, its own or one above. */
bool tnb_cgroup_is_frozen(int fd);
/* False once its directory is removed. */
bool tnb_cgroup_is_alive(int fd);

/* Call back for every cgroup below an open one (not for itself), parents
 * first. The callback returns 0, TNB_WALK_PRUNE or a negative errno. */
#define TNB_WALK_PRUNE 1
typedef int (*tnb_cgroup_visit)(int fd, uint64_t id, void *context);
TNB_MUST_CHECK int tnb_cgroup_walk(int fd, tnb_cgroup_visit visit,
				   void *context);

/* Wait until every mkdir of a cgroup that is under way has ended. 0, or a
 * negative errno: nobody waited. */
TNB_MUST_CHECK int tnb_cgroup_barrier(void);

#endif
