/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "run_dir.h"

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK "daemon.lock"

static int open_dir(const char *dir)
{
	struct stat status;
	int fd;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || status.st_uid != geteuid() ||
	    fchmod(fd, 0700)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int take_lock(int dir)
{
	int fd = openat(dir, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);
	int err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err;
}

int run_dir_lock(const char *path)
{
	int dir = open_dir(path), lock;

	if (dir < 0) {
		journal(LOG_ERR,
			"cannot use %s: %s; it must be a directory of root's",
			path, strerror(-dir));
		return dir;
	}
	lock = take_lock(dir);
	close(dir);
	if (lock == -EBUSY)
		journal(LOG_ERR,
			"another loader runs: only one timensbpfd at a time serves the programs");
	else if (lock < 0)
		journal(LOG_ERR, "cannot lock %s/" LOCK ": %s", path,
			strerror(-lock));
	return lock;
}
