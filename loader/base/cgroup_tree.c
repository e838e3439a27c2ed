/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "cgroup_tree.h"

#include "cgroup.h"
#include "cleanup.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A cgroup that is removed during the walk has nothing to visit. After any
 * other error cgroups below would be left out. */
static int cannot_walk(void)
{
	int err = errno;

	if (err == ENOENT || err == ENODEV || err == ENOTDIR)
		return 0;
	return tnb_fail(-err, "cannot look at all cgroups below: %s",
			strerror(err));
}

static int visit_child(int parent, const char *name, tnb_cgroup_visit visit,
		       void *context)
{
	_cleanup_close_
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int err;

	/* The inode number is the id (base/cgroup.c). */
	if (fd < 0 || fstat(fd, &status))
		return cannot_walk();
	err = visit(fd, status.st_ino, context);
	if (err)
		return err == TNB_WALK_PRUNE ? 0 : err;
	return tnb_cgroup_walk(fd, visit, context);
}

int tnb_cgroup_walk(int fd, tnb_cgroup_visit visit, void *context)
{
	_cleanup_close_
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return cannot_walk();
	own = -1;
	errno = 0;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			err = visit_child(fd, entry->d_name, visit, context);
		errno = 0;
	}
	return err || !errno ? err : cannot_walk();
}

int tnb_cgroup_barrier(void)
{
	_cleanup_free_
	char *own = NULL;
	_cleanup_free_
	char *procs = NULL;
	_cleanup_close_
	int fd = -1;
	int err = tnb_cgroup_of(0, &own);

	/*
	 * Moving the caller to its own cgroup changes nothing, but takes
	 * cgroup_mutex. mkdir holds that from before the directory exists until
	 * it can be seen (cgroup_mkdir() in kernel/cgroup/cgroup.c). The lock
	 * is taken also if the move is refused.
	 */
	if (err)
		return err;
	if (asprintf(&procs, "%s/cgroup.procs", own) < 0)
		return tnb_fail_memory();
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return tnb_fail(-errno, "cannot open '%s': %s", procs,
				strerror(errno));
	(void)!write(fd, "0", 1);
	return 0;
}
