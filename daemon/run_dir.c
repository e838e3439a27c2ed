/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "run_dir.h"

#include "journal.h"

#include <abi/run_dir.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK "daemon.lock"

static int take_lock(int fd)
{
	int err;

	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err;
}

int run_dir_lock(const char *path)
{
	int dir = tnb_run_dir_open(path), lock;

	if (dir < 0) {
		journal(LOG_ERR,
			"cannot use %s: %s; it must be a directory of root's",
			path, strerror(-dir));
		return dir;
	}
	close(dir);
	lock = tnb_run_dir_open_lock(path, LOCK);
	if (lock < 0) {
		journal(LOG_ERR, "cannot open %s/" LOCK ": %s", path,
			strerror(-lock));
		return lock;
	}
	lock = take_lock(lock);
	if (lock == -EBUSY)
		journal(LOG_ERR,
			"another loader runs: only one timensbpfd at a time serves the programs");
	else if (lock < 0)
		journal(LOG_ERR, "cannot lock %s/" LOCK ": %s", path,
			strerror(-lock));
	return lock;
}
