/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "set.h"

#include "process/converge.h"
#include "rules/channel.h"

/* Processes that come into the tree during the change are changed after it. */
int tnb_set_locked(struct tnb *tnb, const struct tnb_cgroup *cgroup,
		   const struct tnb_clock_settings *settings,
		   unsigned int flags, uint32_t *changed)
{
	struct tnb_rule_change change;
	int err = tnb_rule_plan(tnb, cgroup, settings, flags, &change);

	if (err)
		return err;
	if (change.begins) {
		err = tnb_rule_prepare(&change);
		if (!err)
			tnb_converge_tree(tnb, cgroup->fd, changed);
	}
	if (!err)
		err = tnb_rule_commit(&change);
	if (change.begins)
		err = tnb_rule_finish(&change, err);
	if (!err)
		tnb_converge_tree(tnb, cgroup->fd, changed);
	tnb_channel_leave_slot(tnb->loader, 0);
	return err;
}
