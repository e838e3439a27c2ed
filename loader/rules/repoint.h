/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pointing a tree of cgroups to another slot. */
#ifndef TIMENSBPF_LOADER_RULES_REPOINT_H
#define TIMENSBPF_LOADER_RULES_REPOINT_H

#include "handle.h"

#include <stdint.h>

/* Point the open cgroup `fd` to slot `to`, and all cgroups below that inherited
 * slot `from` from it. 0: no slot. Within a transaction. */
TNB_MUST_CHECK int tnb_repoint_tree(struct tnb *tnb, int fd, uint64_t id,
				    __u32 from, __u32 to);

#endif
