/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracefs.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
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
	ssize_t length;

	if (directory < 0)
		return -ENOENT;
	length = tnb_file_read_at(directory, path, line, (size_t)size);
	return length < 0 ? (int)length : 0;
}
