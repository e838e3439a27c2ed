/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup points to a slot (cgroup_slots); the page of a slot names its owner.
 * An entry whose slot another cgroup owns is inherited. */
#include "rule.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "channel.h"
#include "pages.h"
#include "repoint.h"
#include "settings.h"
#include "slots.h"
#include "transaction.h"

#include <errno.h>
#include <fcntl.h>

/* Living processes never see MONOTONIC or BOOTTIME step back unless the caller
 * asks for it. */
static int check_step(int fd, const struct tnb_offsets *from,
		      const struct tnb_offsets *to, unsigned int flags)
{
	for (int i = TNB_MONOTONIC; i <= TNB_BOOTTIME; i++)
		if (to->ns[i] < from->ns[i] && !(flags & TNB_FORCE) &&
		    tnb_cgroup_is_populated(fd))
			return tnb_fail(
				-EBUSY,
				"%s would step back for the processes that live in the cgroup: use --force, or a cgroup without processes",
				tnb_clock_name((enum tnb_clock_id)i));
	return 0;
}

/* Its numbers are not known then, nor whose it is. */
static int check_page(const struct tnb *tnb, __u32 slot)
{
	return slot && tnb_clock_page_owner(tnb, slot) == TNB_OWNER_UNKNOWN
		       ? tnb_fail(
				 -EIO,
				 "cannot map clock page %u: it takes memory, a file descriptor and CAP_SYS_ADMIN",
				 slot)
		       : 0;
}

/* ---- Setting ------------------------------------------------------------- */

int tnb_rule_plan(struct tnb *tnb, const struct tnb_cgroup *cgroup,
		  const struct tnb_clock_settings *settings, unsigned int flags,
		  struct tnb_rule_change *change)
{
	__u32 slot = tnb_slot_of(tnb, cgroup->id);
	bool is_own = tnb_slot_is_own(tnb, slot, cgroup->id);
	int err = check_page(tnb, slot);

	if (err)
		return err;
	*change = (struct tnb_rule_change){
		.tnb = tnb,
		.cgroup = cgroup,
		.begins = !is_own,
		.inherited = is_own ? 0 : slot,
		.slot = is_own ? slot : 0,
		.before = tnb_clock_page_offsets(tnb, slot),
	};
	change->after = change->before;
	err = tnb_settings_apply(tnb, settings, &change->after);
	return err ? err
		   : check_step(cgroup->fd, &change->before, &change->after,
				flags);
}

static int prepare_slot(struct tnb_rule_change *change)
{
	struct tnb *tnb = change->tnb;
	int err = tnb_slot_find_free(tnb, &change->slot);

	if (!err)
		err = tnb_clock_page_make(tnb, change->slot, &change->before);
	if (err)
		return err;
	tnb_channel_allow_calls(tnb->loader, change->slot);
	change->revocations = tnb_clock_page_revocations(tnb, change->slot);
	return 0;
}

int tnb_rule_prepare(struct tnb_rule_change *change)
{
	const struct tnb_cgroup *cgroup = change->cgroup;
	int err = tnb_transaction_begin(change->tnb);

	if (!err)
		err = prepare_slot(change);
	if (!err)
		err = tnb_repoint_tree(change->tnb, cgroup->fd, cgroup->id,
				       change->inherited, change->slot);
	tnb_step();
	return err;
}

int tnb_rule_commit(const struct tnb_rule_change *change)
{
	if (!tnb_cgroup_is_alive(change->cgroup->fd))
		return tnb_fail(-ENODEV, "the cgroup was removed meanwhile");
	return tnb_clock_page_store(change->tnb, change->slot,
				    change->cgroup->id, change->revocations,
				    &change->after);
}

int tnb_rule_finish(const struct tnb_rule_change *change, int err)
{
	return tnb_transaction_end(change->tnb, err);
}

/* ---- Ending -------------------------------------------------------------- */

int tnb_rule_plan_end(struct tnb *tnb, const struct tnb_cgroup *cgroup,
		      unsigned int flags, struct tnb_rule_change *change)
{
	__u32 slot = tnb_slot_of(tnb, cgroup->id), inherited;
	uint64_t parent;
	int err = check_page(tnb, slot);

	if (err)
		return err;
	if (!tnb_slot_is_own(tnb, slot, cgroup->id))
		return tnb_fail(
			-ENOENT,
			"'%s' has no time of its own: 'timensbpf show' lists the cgroups that have",
			cgroup->name);
	err = tnb_cgroup_parent(cgroup->fd, &parent);
	if (err)
		return err;
	inherited = tnb_slot_of(tnb, parent);
	*change = (struct tnb_rule_change){
		.tnb = tnb,
		.cgroup = cgroup,
		.inherited = inherited,
		.slot = slot,
		.before = tnb_clock_page_offsets(tnb, slot),
		.after = tnb_clock_page_offsets(tnb, inherited),
	};
	return check_step(cgroup->fd, &change->before, &change->after, flags);
}

int tnb_rule_end(const struct tnb_rule_change *change)
{
	const struct tnb_cgroup *cgroup = change->cgroup;
	struct tnb *tnb = change->tnb;
	int err = tnb_transaction_begin(tnb);

	if (err)
		return err;
	err = tnb_clock_page_store(tnb, change->slot, 0, 0, &change->after);
	tnb_step();
	/* The rule has ended with that. Cgroups that could not be pointed
	 * elsewhere are as a killed predecessor would have left them. */
	if (!err && tnb_repoint_tree(tnb, cgroup->fd, cgroup->id, change->slot,
				     change->inherited))
		return tnb_transaction_repair(tnb);
	return tnb_transaction_end(tnb, err);
}

int tnb_rule_end_check(const struct tnb_rule *rule, unsigned int flags)
{
	_cleanup_close_
	int fd = open(rule->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tnb_offsets host = { { 0 } };
	struct tnb_offsets own;

	memcpy(own.ns, rule->offset_ns, sizeof(own.ns));
	return fd < 0 ? 0 : check_step(fd, &own, &host, flags);
}
