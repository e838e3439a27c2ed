/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tnb_rule_set() and tnb_rule_unset() have in common: who makes the
 * change, and what became of the processes. */
#ifndef TIMENSBPF_LOADER_API_CHANGE_H
#define TIMENSBPF_LOADER_API_CHANGE_H

#include "rules/rule.h"

/* A change that is asked for. */
struct tnb_change {
	const struct tnb_clock_settings *settings; /* NULL: the rule ends */
	unsigned int flags;
};

/* By the daemon, or by the caller under the lock. `path` or `cgroup` (an open
 * directory) and `name`, as in timensbpf.h. */
TNB_MUST_CHECK int tnb_change_path(struct tnb *tnb, const char *path,
				   const struct tnb_change *change,
				   struct tnb_change_result *result);
TNB_MUST_CHECK int tnb_change_at(struct tnb *tnb, int cgroup, const char *name,
				 const struct tnb_change *change,
				 struct tnb_change_result *result);

#endif
