/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroup v2 directories: opening them, names, ids, states. */
#ifndef TIMENSBPF_LOADER_BASE_CGROUP_H
#define TIMENSBPF_LOADER_BASE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <timensbpf/timensbpf.h>

/*
 * Whether an open directory is a cgroup v2 that may carry a rule; stores its
 * id. -EINVAL: it is none, or the root. `name`: for the message.
 */
TNB_MUST_CHECK int tnb_cgroup_check(int fd, const char *name, uint64_t *id);

/* Open the directory at `path` and check it. Returns an fd to be closed. */
TNB_MUST_CHECK int tnb_cgroup_open(const char *path, uint64_t *id);

/*
 * Open the cgroup of an id in `mount`. Returns an fd to be closed; -ENOENT,
 * without a message: it was removed; no other error is that. Needs
 * CAP_DAC_READ_SEARCH (open_by_handle_at(2)).
 */
TNB_MUST_CHECK int tnb_cgroup_open_id(const char *mount, uint64_t id);

/* The path of an id in `mount`, to be freed. Errors as tnb_cgroup_open_id(). */
TNB_MUST_CHECK int tnb_cgroup_path(const char *mount, uint64_t id, char **path);

/* The part of `path` below `mount`, with the slash; all of a path that is
 * elsewhere. */
const char *tnb_cgroup_below(const char *mount, const char *path);

/* Open in `mount` the cgroup that `fd` is a directory of in any mount. Returns
 * an fd to be closed; -ENODEV: it was removed. */
TNB_MUST_CHECK int tnb_cgroup_reopen(const char *mount, int fd);

/* Id of the cgroup of a process; pid 0: the caller. */
TNB_MUST_CHECK int tnb_cgroup_id_of(pid_t pid, uint64_t *id);

/* Id of the parent of an open cgroup, 0 if that is the root. -ENODEV: the
 * cgroup was removed. */
TNB_MUST_CHECK int tnb_cgroup_parent(int fd, uint64_t *id);

/* Whether it or a cgroup below has processes. A removed one has none. */
bool tnb_cgroup_is_populated(int fd);
/* Whether it is frozen by cgroup.freeze, its own or that of a cgroup above. */
bool tnb_cgroup_is_frozen(int fd);
/* Whether its directory was not removed. */
bool tnb_cgroup_is_alive(int fd);

#endif
