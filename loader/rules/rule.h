/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules for callers that hold tnb_pins_lock() already. Contracts as in
 * timensbpf.h. */
#ifndef TIMENSBPF_LOADER_RULES_RULE_H
#define TIMENSBPF_LOADER_RULES_RULE_H

#include "clock_page.h"

TNB_MUST_CHECK int tnb_rule_set_unlocked(struct tnb *tnb, const char *path,
					 const struct tnb_change *change,
					 unsigned int flags);
TNB_MUST_CHECK int tnb_rule_unset_unlocked(struct tnb *tnb, const char *path,
					   unsigned int flags);

/* May the rule end for the host's time? 0, or -EBUSY: its processes would see
 * a monotonic clock step back and `flags` lack TNB_FORCE. */
TNB_MUST_CHECK int tnb_rule_end_check(const struct tnb_rule *rule,
				      unsigned int flags);

#endif
