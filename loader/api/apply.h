/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tnb_rule_set() and tnb_rule_unset() have in common: the daemon or the
 * caller makes the change, and then the processes are counted. */
#ifndef TIMENSBPF_LOADER_API_APPLY_H
#define TIMENSBPF_LOADER_API_APPLY_H

#include "rules/rule.h"

/* A change that is asked for. */
struct tnb_apply_request {
	const struct tnb_clock_settings *settings; /* NULL: the rule ends */
	unsigned int flags;
};

/* By the daemon, or by the caller under the lock. `path` or `cgroup` (an open
 * directory) and `name`, as in timensbpf.h. */
TNB_MUST_CHECK int tnb_apply_path(struct tnb *tnb, const char *path,
				  const struct tnb_apply_request *request,
				  struct tnb_change_result *result);
TNB_MUST_CHECK int tnb_apply_at(struct tnb *tnb, int cgroup, const char *name,
				const struct tnb_apply_request *request,
				struct tnb_change_result *result);

#endif
