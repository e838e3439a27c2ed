/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "linked.h"

#include "base/cleanup.h"
#include "base/proc.h"
#include "examiner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* More processes with pages of rules than a machine has rules. */
#define FOUND_MAX (1u << 16)

/* What the examiner finds. */
struct look {
	pid_t pid;
	int found; /* as tnb_link_page_find() */
	struct tnb_link_page page;
};

struct looks {
	pid_t last;   /* that was looked at, or is being */
	size_t count; /* of those that were found, or could not be told */
	struct look at[FOUND_MAX];
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

/*
 * The directory is read on while processes are looked at: a child that is born
 * meanwhile has a higher number, or one that is yet to come round. An examiner
 * that takes over goes on behind the one that kept the other waiting.
 */
static pid_t next_process(pid_t last)
{
	static DIR *dir;
	struct dirent *entry;

	if (!dir)
		dir = opendir("/proc");
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    atoi(entry->d_name) > last)
			return atoi(entry->d_name);
	return 0;
}

static void note(struct looks *looks, pid_t pid, int found,
		 const struct tnb_link_page *page)
{
	struct look *look = &looks->at[looks->count];

	if (!found || looks->count == FOUND_MAX)
		return;
	*look = (struct look){ .pid = pid, .found = found };
	if (found > 0)
		look->page = *page;
	looks->count++;
}

static bool look_at(void *context, size_t index)
{
	struct looks *looks = context;
	struct tnb_link_page page;
	pid_t pid = next_process(looks->last);

	(void)index;
	if (!pid)
		return false;
	looks->last = pid;
	note(looks, pid, find(pid, &page), &page);
	return true;
}

static void give_up(void *context, size_t index)
{
	struct looks *looks = context;

	(void)index;
	note(looks, looks->last, -ETIMEDOUT, NULL);
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
	struct looks *looks = tnb_examiner_memory(sizeof(*looks));
	int err =
		looks ? tnb_examiner_run(tnb, SIZE_MAX, look_at, give_up, looks)
		      : -ENOMEM;

	if (looks && looks->count == FOUND_MAX)
		err = -E2BIG;
	for (size_t i = 0; !err && i < looks->count; i++)
		err = visit_one(&looks->at[i], visit, context);
	tnb_examiner_free(looks, sizeof(*looks));
	return err;
}

int tnb_linked_each(const struct tnb *tnb, tnb_linked_visit visit,
		    void *context)
{
	int err = look_at_all(tnb, visit, context);

	return err ? err : look_at_all(tnb, visit, context);
}
