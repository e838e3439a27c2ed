/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of locks and of the control socket, by which command and daemon
 * find each other. Hosted C only. */
#ifndef TIMENSBPF_ABI_RUN_DIR_H
#define TIMENSBPF_ABI_RUN_DIR_H

#include <abi/control.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The lock of runs in it (cli/keep_loader.c, daemon/runs.c). */
#define TNB_RUNS_LOCK "runs.lock"

/*
 * Open it, and make it if it is not there. The caller closes it, and opens what
 * is in it by openat(2) with O_NOFOLLOW. -EPERM: it is another user's, and
 * may hold anything; -ELOOP, -ENOTDIR: it is no directory; or another
 * -errno.
 */
static inline int tnb_run_dir_open(const char *path)
{
	struct stat status;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status) && status.st_uid == geteuid() &&
	    !fchmod(fd, 0700))
		return fd;
	close(fd);
	return -EPERM;
}

/* Open a file in it for locks, which is made if it is not there. -errno. */
static inline int tnb_run_dir_open_lock(const char *path, const char *name)
{
	int dir = tnb_run_dir_open(path), fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		fd = -errno;
	close(dir);
	return fd;
}

#endif
