/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "cgroup.h"

#include "cleanup.h"
#include "error.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* enum fid_type of include/linux/exportfs.h: the handle is the 64-bit id. */
#define FILEID_KERNFS 0xfe

/* Where systemd and container runtimes mount it. */
#define USUAL_MOUNT "/sys/fs/cgroup"

int tnb_cgroup_mount(char **path)
{
	_cleanup_fclose_ FILE *mounts = NULL;
	struct mntent *entry;
	struct statfs fs;

	/* Called for each process of the machine: try the usual place before
	 * the list of mounts, which is long. */
	if (!statfs(USUAL_MOUNT, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC) {
		*path = strdup(USUAL_MOUNT);
		return *path ? 0 : tnb_fail_memory();
	}
	mounts = setmntent("/proc/self/mounts", "re");
	while (mounts && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2"))
			continue;
		*path = strdup(entry->mnt_dir);
		return *path ? 0 : tnb_fail_memory();
	}
	return tnb_fail(
		-ENODEV,
		"cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup");
}

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* On 64-bit kernels the inode number of a kernfs node is its id
 * (kernfs_ino() in include/linux/kernfs.h). */
static int id_of_fd(int fd, uint64_t *id)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	*id = status.st_ino;
	return 0;
}

/* The root has no cgroup.type (Documentation/admin-guide/cgroup-v2.rst). */
static bool is_root(int fd)
{
	return faccessat(fd, "cgroup.type", F_OK, 0) &&
	       !faccessat(fd, "cgroup.procs", F_OK, 0);
}

static int not_a_cgroup(const char *name, const char *why)
{
	return tnb_fail(
		-EINVAL,
		"'%s' is not a cgroup v2 directory%s: give one below the cgroup2 mount",
		name, why);
}

int tnb_cgroup_check(int fd, const char *name, uint64_t *id)
{
	int err;

	if (!is_cgroup2(fd))
		return not_a_cgroup(name, "");
	if (is_root(fd))
		return tnb_fail(
			-EINVAL,
			"'%s' is the root cgroup, which is the host itself: give a cgroup below it",
			name);
	err = id_of_fd(fd, id);
	return err ? tnb_fail(err, "cannot examine '%s': %s", name,
			      strerror(-err))
		   : 0;
}

int tnb_cgroup_open(const char *path, uint64_t *id)
{
	_cleanup_close_
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0 && errno == ENOENT)
		return not_a_cgroup(path, " (it does not exist)");
	if (fd < 0 && errno == ENOTDIR)
		return not_a_cgroup(path, "");
	if (fd < 0)
		return tnb_fail(-errno, "cannot open the cgroup '%s': %s", path,
				strerror(errno));
	err = tnb_cgroup_check(fd, path, id);
	return err ? err : TAKE_FD(fd);
}

int tnb_cgroup_open_id(const char *mount, uint64_t id)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + sizeof(id)];
	} kernfs = { .handle = { .handle_bytes = sizeof(id),
				 .handle_type = FILEID_KERNFS } };
	_cleanup_close_
	int mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_
	int fd = -1;

	memcpy(kernfs.space + sizeof(kernfs.handle), &id, sizeof(id));
	if (mount_fd >= 0)
		fd = open_by_handle_at(mount_fd, &kernfs.handle,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* open_by_handle_at(2): the file of the handle does not exist. */
	if (mount_fd >= 0 && fd < 0 && errno == ESTALE)
		return -ENOENT;
	if (fd < 0)
		return tnb_fail(
			-errno,
			"cannot open the cgroup with the number %lu: %s",
			(unsigned long)id, strerror(errno));
	return tnb_cgroup_is_alive(fd) ? TAKE_FD(fd) : -ENOENT;
}

static int path_of_fd(int fd, char **path)
{
	char link[64], target[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return tnb_fail(-errno, "cannot read %s: %s", link,
				strerror(errno));
	target[length] = '\0';
	*path = strdup(target);
	return *path ? 0 : tnb_fail_memory();
}

int tnb_cgroup_path(const char *mount, uint64_t id, char **path)
{
	_cleanup_close_
	int fd = tnb_cgroup_open_id(mount, id);

	return fd < 0 ? fd : path_of_fd(fd, path);
}

const char *tnb_cgroup_below(const char *mount, const char *path)
{
	size_t length = strlen(mount);

	if (strncmp(path, mount, length) || path[length] != '/')
		return path;
	return path + length;
}

static int removed(void)
{
	return tnb_fail(-ENODEV, "the cgroup was removed meanwhile");
}

int tnb_cgroup_reopen(const char *mount, int fd)
{
	uint64_t id;
	int err = id_of_fd(fd, &id);

	if (err)
		return tnb_fail(err, "cannot examine the cgroup: %s",
				strerror(-err));
	err = tnb_cgroup_open_id(mount, id);
	return err == -ENOENT ? removed() : err;
}

int tnb_cgroup_name(int fd, char **name)
{
	_cleanup_free_
	char *mount = NULL;
	_cleanup_free_
	char *given = NULL;
	_cleanup_free_
	char *path = NULL;
	uint64_t id;
	int err = path_of_fd(fd, &given);

	if (!err)
		err = tnb_cgroup_check(fd, given, &id);
	if (!err)
		err = tnb_cgroup_mount(&mount);
	if (!err)
		err = tnb_cgroup_path(mount, id, &path);
	if (err)
		return err == -ENOENT ? removed() : err;
	*name = strdup(tnb_cgroup_below(mount, path));
	return *name ? 0 : tnb_fail_memory();
}

int tnb_cgroup_of(pid_t pid, char **path)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_
	char *mount = NULL;
	char name[64], line[PATH_MAX];
	int err = tnb_cgroup_mount(&mount);

	if (err)
		return err;
	snprintf(name, sizeof(name),
		 pid ? "/proc/%d/cgroup" : "/proc/self/cgroup", pid);
	file = fopen(name, "re");
	if (!file)
		return tnb_fail(-ESRCH, "there is no process %d", pid);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3))
			continue;
		if (asprintf(path, "%s%s", mount, line + 3) < 0)
			return tnb_fail_memory();
		return 0;
	}
	return tnb_fail(-ENODEV, "process %d is not in a cgroup v2", pid);
}

int tnb_cgroup_id_of(pid_t pid, uint64_t *id)
{
	_cleanup_free_
	char *path = NULL;
	struct stat status;
	int err = tnb_cgroup_of(pid, &path);

	if (err)
		return err;
	if (stat(path, &status))
		return tnb_fail(-errno, "cannot examine '%s': %s", path,
				strerror(errno));
	*id = status.st_ino;
	return 0;
}

int tnb_cgroup_parent(int fd, uint64_t *id)
{
	_cleanup_close_
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (parent < 0 && (errno == ENOENT || errno == ENODEV))
		return removed();
	if (parent < 0)
		return tnb_fail(-errno, "cannot open the parent cgroup: %s",
				strerror(errno));
	if (!is_cgroup2(parent) || is_root(parent)) {
		*id = 0;
		return 0;
	}
	err = id_of_fd(parent, id);
	return err ? tnb_fail(err, "cannot examine the parent cgroup: %s",
			      strerror(-err))
		   : 0;
}

bool tnb_cgroup_is_populated(int fd)
{
	char text[128];

	return tnb_file_read_at(fd, "cgroup.events", text, sizeof(text)) >= 0 &&
	       strstr(text, "populated 1");
}

bool tnb_cgroup_is_frozen(int fd)
{
	char text[128];

	return tnb_file_read_at(fd, "cgroup.events", text, sizeof(text)) >= 0 &&
	       strstr(text, "frozen 1");
}

bool tnb_cgroup_is_alive(int fd)
{
	struct stat status;

	/* A removed kernfs directory that is open keeps its inode without
	 * links, and its files cannot be looked up. */
	return !fstat(fd, &status) && status.st_nlink > 0 &&
	       !faccessat(fd, "cgroup.procs", F_OK, 0);
}

int tnb_cgroup_enter(const char *path)
{
	_cleanup_close_
	int fd = -1;
	_cleanup_close_
	int procs = -1;
	uint64_t id;

	fd = tnb_cgroup_open(path, &id);
	if (fd < 0)
		return fd;
	procs = openat(fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1)
		return tnb_fail(-errno, "cannot move into '%s': %s", path,
				strerror(errno));
	return 0;
}
