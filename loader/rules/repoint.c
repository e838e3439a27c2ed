/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repoint.h"

#include "base/cgroup.h"
#include "base/cgroup_tree.h"
#include "slots.h"

struct repoint {
	struct tnb *tnb;
	__u32 from; /* 0: cgroups without an entry */
	__u32 to;
};

/* An entry for a cgroup that was removed before would never be removed: look
 * again after making the entry. */
static int point_living(struct tnb *tnb, int fd, uint64_t id, __u32 slot)
{
	int err = tnb_slot_point(tnb, id, slot);

	if (!err && slot && !tnb_cgroup_is_alive(fd))
		err = tnb_slot_point(tnb, id, 0);
	return err;
}

/* A cgroup that inherited `from` follows; one with a rule of its own ends the
 * descent. */
static int repoint_one(int fd, uint64_t id, void *context)
{
	struct repoint *repoint = context;
	__u32 slot = tnb_slot_of(repoint->tnb, id);

	if (slot == repoint->to)
		return 0;
	if (slot != repoint->from)
		return TNB_WALK_PRUNE;
	return point_living(repoint->tnb, fd, id, repoint->to);
}

/*
 * First the cgroup itself, then those below. A mkdir below that began before
 * the first step has ended after the barrier, so that the walk sees its
 * directory. A later mkdir finds the new entry (bpf/life/cgroup.bpf.c).
 */
int tnb_repoint_tree(struct tnb *tnb, int fd, uint64_t id, __u32 from, __u32 to)
{
	struct repoint repoint = { .tnb = tnb, .from = from, .to = to };
	int err = point_living(tnb, fd, id, to);

	if (err)
		return err;
	err = tnb_cgroup_barrier();
	return err ? err : tnb_cgroup_walk(fd, repoint_one, &repoint);
}
