/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "linked.h"

#include "base/cleanup.h"
#include "base/proc.h"
#include "census.h"
#include "examiner.h"

#include <errno.h>
#include <stdlib.h>

/* What the examiner finds. */
struct look {
	pid_t pid;
	int found; /* as tnb_link_page_find() */
	struct tnb_link_page page;
};

static int find(pid_t pid, struct tnb_link_page *page)
{
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(pid, &tid);
	struct tnb_peek peek;
	int found = proc < 0 ? -errno : tnb_peek_open(proc, &peek);

	if (found)
		return found == -ENOENT || found == -ESRCH ? 0 : found;
	found = tnb_link_page_find(proc, &peek, page);
	tnb_peek_close(&peek);
	return found;
}

static void look_at(void *context, size_t index)
{
	struct look *look = (struct look *)context + index;

	look->found = find(look->pid, &look->page);
}

static void give_up(void *context, size_t index)
{
	((struct look *)context)[index].found = -ETIMEDOUT;
}

static int visit_one(const struct look *look, tnb_linked_visit visit,
		     void *context)
{
	struct tnb_linked linked = { .pid = look->pid, .page = look->page };
	_cleanup_close_
	int proc = look->found > 0 ? tnb_proc_open(look->pid, &linked.tid) : -1;

	linked.proc = proc;
	if (proc >= 0)
		visit(&linked, context);
	return look->found < 0 ? look->found : 0;
}

static int look_at_all(const struct tnb *tnb, tnb_linked_visit visit,
		       void *context)
{
	struct tnb_census all;
	struct look *looks;
	size_t size;
	int err = tnb_census_machine(&all);

	size = all.count * sizeof(*looks);
	looks = err || !size ? NULL : tnb_examiner_memory(size);
	if (!err && size && !looks)
		err = -ENOMEM;
	for (size_t i = 0; looks && i < all.count; i++)
		looks[i].pid = all.pid[i];
	if (looks)
		err = tnb_examiner_run(tnb, all.count, look_at, give_up, looks);
	for (size_t i = 0; looks && !err && i < all.count; i++)
		err = visit_one(&looks[i], visit, context);
	tnb_examiner_free(looks, size);
	tnb_census_free(&all);
	return err;
}

int tnb_linked_each(const struct tnb *tnb, tnb_linked_visit visit,
		    void *context)
{
	int err = look_at_all(tnb, visit, context);

	return err ? err : look_at_all(tnb, visit, context);
}
