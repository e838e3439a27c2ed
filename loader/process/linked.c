/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "linked.h"

#include "base/cleanup.h"
#include "base/proc.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int look_at(pid_t pid, tnb_linked_visit visit, void *context)
{
	struct tnb_linked linked = { .pid = pid };
	_cleanup_close_
	int proc = tnb_proc_open(pid, &linked.tid);
	struct tnb_peek peek;
	int found;

	linked.proc = proc;
	found = proc < 0 ? -errno : tnb_peek_open(proc, &peek);
	if (found)
		return found == -ENOENT || found == -ESRCH ? 0 : found;
	found = tnb_link_page_find(proc, &peek, &linked.page);
	tnb_peek_close(&peek);
	if (found > 0)
		visit(&linked, context);
	return found < 0 ? found : 0;
}

static int look_at_all(tnb_linked_visit visit, void *context)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			err = look_at(atoi(entry->d_name), visit, context);
	return err;
}

int tnb_linked_each(tnb_linked_visit visit, void *context)
{
	int err = look_at_all(visit, context);

	return err ? err : look_at_all(visit, context);
}
