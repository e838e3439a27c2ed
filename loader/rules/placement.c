/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "placement.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "clock_page.h"
#include "base/proc.h"
#include "pages.h"
#include "slots.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <abi/latch.h>

/* Read the line of cgroup v2, "" if there is none. False: the thread is gone.
 */
static bool read_line(int directory, const char *path, char *line, size_t size)
{
	_cleanup_fclose_ FILE *file = tnb_file_open_at(directory, path);

	while (file && fgets(line, (int)size, file))
		if (!strncmp(line, "0::", 3))
			return true;
	*line = '\0';
	return file != NULL;
}

/* Threads can be in other cgroups only within a threaded one: the lines of most
 * processes are the same. */
static bool lines_differ(int proc, const char *line)
{
	_cleanup_closedir_ DIR *threads = tnb_proc_threads(proc);
	char path[64], other[PATH_MAX];
	pid_t tid;

	while (threads && (tid = tnb_proc_next(threads))) {
		snprintf(path, sizeof(path), "%d/cgroup", tid);
		if (read_line(dirfd(threads), path, other, sizeof(other)) &&
		    *other && strcmp(line, other))
			return true;
	}
	return false;
}

static int slot_of(struct tnb *tnb, pid_t tid, __u32 *slot)
{
	uint64_t cgroup;
	int err = tnb_cgroup_id_of(tid, &cgroup);

	*slot = err ? 0 : tnb_slot_of(tnb, cgroup);
	return err;
}

/* A process whose threads live in several cgroups: `slot` is that of one with a
 * rule, `is_split` tells whether they differ. */
static void look_at_threads(struct tnb *tnb, int proc,
			    struct tnb_placement *placement)
{
	_cleanup_closedir_ DIR *threads = tnb_proc_threads(proc);
	pid_t tid;

	while (threads && (tid = tnb_proc_next(threads))) {
		__u32 slot;

		/* A thread that has ended is in no cgroup. */
		if (slot_of(tnb, tid, &slot))
			continue;
		if (slot != placement->slot)
			placement->is_split = true;
		if (slot)
			placement->slot = slot;
	}
}

static void read_pass(const struct tnb *tnb, struct tnb_placement *placement)
{
	const struct tnb_clock_page *page =
		tnb_pages_at(tnb->pages, placement->slot);

	placement->revocations = tnb_load_acquire(page->revocations);
	placement->pass = tnb_load_acquire(page->generation);
	placement->load = tnb_load_acquire(page->load);
}

int tnb_placement_of(struct tnb *tnb, int proc, pid_t pid,
		     struct tnb_placement *placement)
{
	char line[PATH_MAX];
	__u32 again;
	int err;

	*placement = (struct tnb_placement){ 0 };
	err = slot_of(tnb, pid, &placement->slot);
	if (err)
		return err;
	read_pass(tnb, placement);
	/* It may have left before read_pass(). */
	err = slot_of(tnb, pid, &again);
	if (err || again != placement->slot)
		return err ? err : -EAGAIN;
	if (!read_line(proc, "cgroup", line, sizeof(line)))
		return -ESRCH;
	if (lines_differ(proc, line))
		look_at_threads(tnb, proc, placement);
	return 0;
}
