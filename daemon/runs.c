/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record locks of the open file (F_OFD_SETLK), because a process can look at
 * them without taking them. They end with the descriptor, as flock(2) does, and
 * both kinds do not know of each other.
 */
#define _GNU_SOURCE
#include "runs.h"

#include <abi/run_dir.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

enum byte { OF_DAEMON, OF_LOADERS };

#define TRIES 1000
#define TRY_EVERY_MS 10

static struct flock lock_of(enum byte byte, short type)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};
}

static int open_file(void)
{
	return tnb_run_dir_open_lock(TNB_CONTROL_DIR, TNB_RUNS_LOCK);
}

static int take(int fd, enum byte byte, short type)
{
	struct flock lock = lock_of(byte, type);

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

bool runs_daemon_waits(int runs)
{
	struct flock lock = lock_of(OF_DAEMON, F_RDLCK);

	return !fcntl(runs, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int runs_open(void)
{
	int fd = open_file();
	int err = fd < 0 ? fd : take(fd, OF_LOADERS, F_RDLCK);

	if (err == -EAGAIN || err == -EACCES || (!err && runs_daemon_waits(fd)))
		err = -EBUSY;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

bool runs_are_over(int runs)
{
	return !flock(runs, LOCK_EX | LOCK_NB);
}

/* The descriptor stays open: the locks last as long as this process. */
void runs_make_way(void)
{
	int fd = open_file();

	if (fd < 0 || take(fd, OF_DAEMON, F_WRLCK))
		return;
	for (int i = 0; i < TRIES && take(fd, OF_LOADERS, F_WRLCK); i++)
		poll(NULL, 0, TRY_EVERY_MS);
}
