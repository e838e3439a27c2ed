/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of rules by callers that hold the lock (tnb_transaction_lock()), of
 * running processes too. Contracts as in timensbpf.h. */
#ifndef TIMENSBPF_LOADER_API_SET_H
#define TIMENSBPF_LOADER_API_SET_H

#include "rules/rule.h"

/* *changed: the number of processes that were changed is added; may be NULL. */
TNB_MUST_CHECK int tnb_set_locked(struct tnb *tnb,
				  const struct tnb_cgroup *cgroup,
				  const struct tnb_clock_settings *settings,
				  unsigned int flags, uint32_t *changed);
TNB_MUST_CHECK int tnb_unset_locked(struct tnb *tnb,
				    const struct tnb_cgroup *cgroup,
				    unsigned int flags, uint32_t *changed);

#endif
