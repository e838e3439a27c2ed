/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "listing.h"

#include "base/array.h"
#include "base/cgroup.h"
#include "base/cgroup_tree.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "census.h"
#include "examiner.h"
#include "need.h"
#include "rules/channel.h"
#include "rules/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool tnb_listing_contains(const struct tnb_listing *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->target[i].pid == pid)
			return true;
	return false;
}

int tnb_listing_append(struct tnb_listing *list, pid_t pid, bool once)
{
	void *grown;

	if (tnb_listing_contains(list, pid))
		return 0;
	grown = tnb_array_grow(list->target, list->count, &list->space,
			       sizeof(*list->target));
	if (!grown)
		return -ENOMEM;
	list->target = grown;
	list->target[list->count++] =
		(struct tnb_target){ .pid = pid, .once = once };
	return 0;
}

/* What the examiner finds. */
struct look {
	pid_t pid;
	enum tnb_need need;
	__u64 arrival; /* before that */
};

struct looks {
	struct tnb *tnb;
	struct look at[];
};

static bool look_at(void *context, size_t index)
{
	struct looks *looks = context;
	struct look *look = &looks->at[index];
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(look->pid, &tid);

	look->arrival = tnb_channel_arrival(looks->tnb->loader, look->pid);
	look->need = proc < 0 ? TNB_NEED_UNKNOWN
			      : tnb_need_of(looks->tnb, proc, look->pid, tid);
	return true;
}

static void give_up(void *context, size_t index)
{
	((struct looks *)context)->at[index].need = TNB_NEED_UNKNOWN;
}

static int consider(struct tnb_listing *list, const struct look *look)
{
	struct tnb_loader_state *loader = list->tnb->loader;

	switch (look->need) {
	case TNB_NEED_CHANGE:
		return tnb_listing_append(list, look->pid, false);
	case TNB_NEED_CHANGE_ONCE:
		/* Its system calls have the time of its cgroup at once. It is
		 * tried once where the caller asked for it: a call whose
		 * timeout begins anew with each stop would never end. */
		tnb_channel_arrived(loader, look->arrival);
		return list->slow_too
			       ? tnb_listing_append(list, look->pid, true)
			       : 0;
	case TNB_NEED_NONE_PAGES:
		tnb_channel_forget_arrival(loader, look->pid);
		return 0;
	case TNB_NEED_NONE:
		tnb_channel_arrived(loader, look->arrival);
		return 0;
	case TNB_NEED_NONE_OUTSIDE:
		/* An arrival of this process has no effect, but may be that of
		 * a move which is about to happen: a placement is read without
		 * the lock of cgroups since 6.8. */
	case TNB_NEED_UNKNOWN:
		break;
	}
	return 0;
}

static int list_members(const struct tnb_census *members,
			struct tnb_listing *list)
{
	size_t size =
		sizeof(struct looks) + members->count * sizeof(struct look);
	struct looks *looks = tnb_examiner_memory(size);
	size_t count = 0;
	int err;

	if (!looks)
		return -ENOMEM;
	looks->tnb = list->tnb;
	for (size_t i = 0; i < members->count; i++)
		if (members->pid[i] != getpid())
			looks->at[count++].pid = members->pid[i];
	err = tnb_examiner_run(list->tnb, count, look_at, give_up, looks);
	for (size_t i = 0; !err && i < count; i++)
		err = consider(list, &looks->at[i]);
	tnb_examiner_free(looks, size);
	return err;
}

static int list_cgroup(int cgroup, struct tnb_listing *list)
{
	struct tnb_census members;
	int err = tnb_census_read(cgroup, &members);

	if (!err)
		err = list_members(&members, list);
	tnb_census_free(&members);
	return err;
}

static int list_below(int cgroup, uint64_t id, void *context)
{
	(void)id;
	return list_cgroup(cgroup, context);
}

int tnb_listing_tree(struct tnb_listing *list, const struct tnb_scope *scope)
{
	int err;

	list->slow_too = true;
	err = list_cgroup(scope->cgroup, list);
	return err ? err : tnb_cgroup_walk(scope->cgroup, list_below, list);
}

/* A process that moved into a rule may have had children there since: list all
 * processes of its cgroup. Outside of rules such children are slow at worst. */
static int list_neighbours(struct tnb_listing *list, pid_t pid, uint64_t *last)
{
	uint64_t id;
	_cleanup_free_
	char *path = NULL;
	_cleanup_close_
	int cgroup = -1;

	/* Processes that start or move together are mostly in one cgroup. */
	if (tnb_cgroup_id_of(pid, &id) || id == *last ||
	    !tnb_slot_of(list->tnb, id) || tnb_cgroup_of(pid, &path))
		return 0;
	*last = id;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup < 0 ? 0 : list_cgroup(cgroup, list);
}

int tnb_listing_some(struct tnb_listing *list, const struct tnb_scope *scope)
{
	uint64_t last = 0;
	int err = 0;

	for (size_t i = 0; !err && i < scope->count; i++) {
		const struct tnb_census one = { .pid = (pid_t *)&scope->pids[i],
						.count = 1 };

		list->slow_too = true;
		err = list_members(&one, list);
		list->slow_too = false;
		if (!err)
			err = list_neighbours(list, scope->pids[i], &last);
	}
	return err;
}

int tnb_listing_machine(struct tnb_listing *list,
			const struct tnb_scope *unused)
{
	struct tnb_census all;
	int err = tnb_census_machine(&all);

	(void)unused;
	list->slow_too = true;
	if (!err)
		err = list_members(&all, list);
	tnb_census_free(&all);
	return err;
}
