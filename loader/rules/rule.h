/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps by which a rule begins, changes and ends. api/ puts them together
 * with the changes of running processes.
 *
 * A rule begins and ends for its whole tree at one write of a clock page. While
 * a tree is pointed to another slot, that slot shows the time that the tree has
 * already, and has no owner. The processes of the tree are given its page in
 * the meantime, with the pass that the write will make valid: the write changes
 * the time for them, too. A process that is killed in between leaves the
 * transaction open, and the next one that takes the lock undoes it
 * (transaction.h).
 *
 * All of it under the lock (tnb_transaction_lock()).
 */
#ifndef TIMENSBPF_LOADER_RULES_RULE_H
#define TIMENSBPF_LOADER_RULES_RULE_H

#include "clock_page.h"

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* An open cgroup in tnb->mount. */
struct tnb_cgroup {
	int fd;
	uint64_t id;
	const char *name; /* for messages */
};

/* A change of a rule that is to be made or under way. */
struct tnb_rule_change {
	struct tnb *tnb;
	const struct tnb_cgroup *cgroup;
	bool begins;	      /* the cgroup has no rule of its own yet */
	__u32 inherited;      /* the slot above it, 0: none */
	__u32 slot;	      /* its own, 0: not chosen yet */
	uint64_t revocations; /* tnb_clock_page_revocations() of the slot */
	struct tnb_offsets before, after;
};

/* Find out what is to change, and whether it may. Changes nothing. Errors as
 * tnb_rule_set(), tnb_rule_unset(). */
TNB_MUST_CHECK int tnb_rule_plan(struct tnb *tnb,
				 const struct tnb_cgroup *cgroup,
				 const struct tnb_clock_settings *settings,
				 unsigned int flags,
				 struct tnb_rule_change *change);
TNB_MUST_CHECK int tnb_rule_plan_end(struct tnb *tnb,
				     const struct tnb_cgroup *cgroup,
				     unsigned int flags,
				     struct tnb_rule_change *change);

/* Of a rule that begins: open a transaction, choose a slot and point the tree
 * to it. tnb_rule_finish() follows, whatever comes back. */
TNB_MUST_CHECK int tnb_rule_prepare(struct tnb_rule_change *change);
/* The one write. */
TNB_MUST_CHECK int tnb_rule_commit(const struct tnb_rule_change *change);
/* Close the transaction; if it failed with `err`, undo it. Returns `err`. */
TNB_MUST_CHECK int tnb_rule_finish(const struct tnb_rule_change *change,
				   int err);

/* The whole of a planned end. */
TNB_MUST_CHECK int tnb_rule_end(const struct tnb_rule_change *change);

/* Whether the rule may end for the host's time: 0, or -EBUSY as
 * tnb_unload(). */
TNB_MUST_CHECK int tnb_rule_end_check(const struct tnb_rule *rule,
				      unsigned int flags);

#endif
