/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "set.h"

#include "process/converge.h"
#include "rules/channel.h"

int tnb_unset_locked(struct tnb *tnb, const struct tnb_cgroup *cgroup,
		     unsigned int flags, uint32_t *changed)
{
	struct tnb_rule_change change;
	int err = tnb_rule_plan_end(tnb, cgroup, flags, &change);

	if (!err)
		err = tnb_rule_end(&change);
	if (!err)
		tnb_converge_tree(tnb, cgroup->fd, changed);
	tnb_channel_leave_slot(tnb->loader, 0);
	return err;
}
