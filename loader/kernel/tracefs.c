/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracefs.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

static int mount_detached(const char *type)
{
	_cleanup_close_
	int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

int tnb_debugfs_open(void)
{
	return mount_detached("debugfs");
}

int tnb_tracefs_open(void)
{
	return mount_detached("tracefs");
}

int tnb_debugfs_read(int directory, const char *path, char *line, int size)
{
	_cleanup_close_
	int fd = -1;
	ssize_t length;

	if (directory < 0)
		return -ENOENT;
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, line, (size_t)size - 1);
	if (length < 0)
		return -errno;
	line[length] = '\0';
	return 0;
}
