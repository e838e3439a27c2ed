/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroups of `timensbpf run`. A flock on the directory says that the
 * process which made it lives; the kernel drops it with that process. A process
 * that gets the lock may remove the cgroup when it is empty.
 */
#define _GNU_SOURCE
#include "base/cgroup.h"
#include "base/cgroup_tree.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "rules/slots.h"
#include "rules/transaction.h"
#include "rules/settings.h"
#include "set.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PREFIX "timensbpf."
#define KILL_TRIES 100
#define KILL_WAIT_MS 100

/* Remove a cgroup that is empty and not in use. Under the lock. */
static void sweep_one(const char *path)
{
	_cleanup_close_
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) &&
	    !tnb_cgroup_is_populated(fd))
		rmdir(path);
}

static bool is_run_cgroup(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strncmp(name + 1, PREFIX, strlen(PREFIX));
}

static int sweep_rule(struct tnb *tnb, uint64_t cgroup, __u32 slot,
		      void *context)
{
	_cleanup_free_
	char *path = NULL;

	(void)slot;
	(void)context;
	if (!tnb_cgroup_path(tnb->mount, cgroup, &path) && is_run_cgroup(path))
		sweep_one(path);
	return 0;
}

/* Cgroups with a rule, wherever they are; and those beside ours, because a run
 * may have been killed before it made the rule. */
static void sweep(struct tnb *tnb, const char *own)
{
	_cleanup_closedir_ DIR *dir = opendir(own);
	struct dirent *entry;

	(void)!tnb_slots_for_each(tnb, sweep_rule, NULL);
	while (dir && (entry = readdir(dir))) {
		_cleanup_free_
		char *path = NULL;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    asprintf(&path, "%s/%s", own, entry->d_name) < 0)
			continue;
		sweep_one(path);
	}
}

static int make(const char *mount, const char *path, int *fd)
{
	const char *name = tnb_cgroup_below(mount, path);

	if (mkdir(path, 0755)) {
		if (errno == EEXIST)
			return tnb_fail(
				-EEXIST,
				"the cgroup '%s' is in use: choose another --name",
				name);
		return tnb_fail(-errno, "cannot make the cgroup '%s': %s", name,
				strerror(errno));
	}
	tnb_step();
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB)) {
		rmdir(path);
		return tnb_fail(-errno, "cannot lock the cgroup '%s': %s", name,
				strerror(errno));
	}
	return 0;
}

static int check_name(const char *name)
{
	if (!*name || strchr(name, '/') || strchr(name, '\n') ||
	    strlen(name) > 200)
		return tnb_fail(
			-EINVAL,
			"'%s' is no name for a cgroup: use up to 200 characters without '/'",
			name);
	return 0;
}

static int set_rule(struct tnb *tnb, const char *path, int fd,
		    const struct tnb_clock_settings *settings)
{
	struct tnb_cgroup cgroup = {
		.fd = fd,
		.name = tnb_cgroup_below(tnb->mount, path),
	};
	int err = tnb_cgroup_check(fd, cgroup.name, &cgroup.id);

	return err ? err : tnb_set_locked(tnb, &cgroup, settings, 0, NULL);
}

int tnb_cgroup_create(struct tnb *tnb, const char *name,
		      const struct tnb_clock_settings *settings, char **path,
		      int *fd)
{
	_cleanup_close_
	int lock = -1;
	_cleanup_close_
	int made = -1;
	_cleanup_free_
	char *own = NULL;
	_cleanup_free_
	char *fresh = NULL;
	int err = check_name(name);

	if (!err)
		err = tnb_settings_check(settings);
	if (!err)
		err = tnb_cgroup_of(0, &own);
	if (err)
		return err;
	lock = tnb_transaction_lock(tnb);
	if (lock < 0)
		return lock;
	sweep(tnb, own);
	if (asprintf(&fresh, "%s/" PREFIX "%s", own, name) < 0)
		return tnb_fail_memory();
	err = make(tnb->mount, fresh, &made);
	if (err)
		return err;
	err = set_rule(tnb, fresh, made, settings);
	if (err) {
		rmdir(fresh);
		return err;
	}
	*path = TAKE_PTR(fresh);
	*fd = TAKE_FD(made);
	return 0;
}

/* Wait until cgroup.events says that no process is left. */
static bool wait_unpopulated(int fd)
{
	_cleanup_close_
	int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd poll_events = { .fd = events, .events = POLLPRI };
	char text[128];

	for (int i = 0; i < KILL_TRIES; i++) {
		/* Reading arms the notification. */
		if (pread(events, text, sizeof(text), 0) < 0 ||
		    !tnb_cgroup_is_populated(fd))
			return true;
		poll(&poll_events, 1, KILL_WAIT_MS);
	}
	return false;
}

static int remove_child(int fd, uint64_t id, void *context);

/* Cgroups below it, the lowest first. */
static int remove_below(int fd)
{
	return tnb_cgroup_walk(fd, remove_child, NULL);
}

static int remove_child(int fd, uint64_t id, void *context)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	(void)id;
	(void)context;
	if (remove_below(fd))
		return TNB_WALK_PRUNE;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length > 0) {
		path[length] = '\0';
		rmdir(path);
	}
	return TNB_WALK_PRUNE;
}

static void kill_all(int fd)
{
	_cleanup_close_
	int file = openat(fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (file >= 0 && write(file, "1", 1) < 0)
		return;
}

int tnb_cgroup_destroy(struct tnb *tnb, const char *path, int fd)
{
	_cleanup_close_
	int lock = -1;

	kill_all(fd);
	if (!wait_unpopulated(fd))
		return tnb_fail(
			-EBUSY,
			"processes in '%s' do not end: the cgroup stays, the next run removes it",
			tnb_cgroup_below(tnb->mount, path));
	/* Not tnb_transaction_lock(): the programs may be gone by now. The lock
	 * is for other processes that make or sweep cgroups. */
	lock = tnb_pins_lock();
	if (lock < 0)
		return lock;
	tnb_step();
	(void)!remove_below(fd);
	if (rmdir(path) && errno != ENOENT)
		return tnb_fail(-errno, "cannot remove the cgroup '%s': %s",
				tnb_cgroup_below(tnb->mount, path),
				strerror(errno));
	return 0;
}
