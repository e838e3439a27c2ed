/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "pins.h"

#include "bpf_map.h"
#include "catalogue.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <abi/page.h>

#define BPFFS "/sys/fs/bpf"
#define LOCK_TRIES 1000
#define LOCK_PAUSE_NS 10000000L

/* Pin of struct tnb_loaded, whose map is of no object. */
#define LOADED "state"

static const char *const kinds[] = { "maps", "progs", "links" };

int tnb_pins_lock(void)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	_cleanup_close_
	int fd = open(BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return tnb_fail(
			errno == EACCES ? -EPERM : -ENODEV,
			"cannot open " BPFFS
			": %s; run as root, with a BPF file system there",
			strerror(errno));
	/* flock() has no time limit. */
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return TAKE_FD(fd);
		nanosleep(&pause, NULL);
	}
	return tnb_fail(
		-EBUSY, BPFFS
		" stays locked by another command: end it, then try again");
}

static int remove_entry(const char *path, const struct stat *status, int type,
			struct FTW *walk)
{
	(void)status;
	(void)walk;
	if (type != FTW_DP)
		return unlink(path);
	tnb_step();
	return rmdir(path);
}

static int remove_tree(const char *path)
{
	if (nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) &&
	    errno != ENOENT)
		return tnb_fail(-errno, "cannot remove %s: %s", path,
				strerror(errno));
	return 0;
}

int tnb_pins_sweep(void)
{
	int err = remove_tree(TNB_PINS_NEW);

	return err ? err : remove_tree(TNB_PINS_OLD);
}

int tnb_pins_stage(void)
{
	char path[PATH_MAX];

	if (mkdir(TNB_PINS_NEW, 0700))
		return tnb_fail(-errno, "cannot make %s: %s", TNB_PINS_NEW,
				strerror(errno));
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "%s/%s", TNB_PINS_NEW, kinds[i]);
		if (mkdir(path, 0700))
			return tnb_fail(-errno, "cannot make %s: %s", path,
					strerror(errno));
	}
	return 0;
}

int tnb_pins_publish(void)
{
	if (!renameat2(AT_FDCWD, TNB_PINS_NEW, AT_FDCWD, TNB_PINS,
		       RENAME_NOREPLACE))
		return 0;
	if (errno == EEXIST && !renameat2(AT_FDCWD, TNB_PINS_NEW, AT_FDCWD,
					  TNB_PINS, RENAME_EXCHANGE)) {
		tnb_step();
		return remove_tree(TNB_PINS_NEW);
	}
	return tnb_fail(-errno, "cannot put %s in place: %s", TNB_PINS,
			strerror(errno));
}

void tnb_pins_abandon(void)
{
	char reason[512];

	/* The message of the failure must survive messages of the removal. */
	snprintf(reason, sizeof(reason), "%s", tnb_error_message());
	(void)remove_tree(TNB_PINS_NEW);
	tnb_fail(0, "%s", reason);
}

int tnb_pins_remove(void)
{
	if (rename(TNB_PINS, TNB_PINS_OLD)) {
		if (errno == ENOENT)
			return 0;
		return tnb_fail(-errno, "cannot remove %s: %s", TNB_PINS,
				strerror(errno));
	}
	tnb_step();
	return remove_tree(TNB_PINS_OLD);
}

int tnb_pins_add(const char *root, const char *kind, const char *name, int fd)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", root, kind, name);
	if (bpf_obj_pin(fd, path))
		return tnb_fail(-errno, "cannot pin %s: %s", path,
				strerror(errno));
	return 0;
}

int tnb_pins_get(const char *kind, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", TNB_PINS, kind, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int open_pin(const char *kind, const char *name)
{
	int fd = tnb_pins_get(kind, name);

	return fd < 0 ? tnb_fail(fd, "cannot open %s/%s/%s: %s", TNB_PINS, kind,
				 name, strerror(-fd))
		      : fd;
}

int tnb_pins_map(enum tnb_map_id id)
{
	return open_pin("maps", tnb_maps[id].name);
}

int tnb_pins_program(enum tnb_program_id id)
{
	return open_pin("progs", tnb_programs[id].name);
}

int tnb_pins_for_each(const char *kind, tnb_pins_visit visit, void *context)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", TNB_PINS, kind);
	dir = opendir(path);
	if (!dir)
		return tnb_fail(-errno, "cannot read %s: %s", path,
				strerror(errno));
	while (!err && (entry = readdir(dir))) {
		_cleanup_close_
		int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		fd = tnb_pins_get(kind, entry->d_name);
		if (fd >= 0)
			err = visit(entry->d_name, fd, context);
	}
	return err;
}

static int incomplete(const char *missing)
{
	return tnb_fail(
		-EEXIST,
		"%s is incomplete (%s is missing or not ours): run 'timensbpf unload', then 'timensbpf load'",
		TNB_PINS, missing);
}

/* A map can have been put in the place of ours, and do in its way what it is
 * asked for. */
static int check_map(const char *name)
{
	_cleanup_close_
	int fd = tnb_pins_get("maps", name);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "maps/%s", name);
	/* -EINVAL, -EACCES: a program, or another kind of file. */
	if (fd < 0 && fd != -ENOENT && fd != -EINVAL && fd != -EACCES)
		return tnb_fail(fd, "cannot open %s/%s: %s", TNB_PINS, path,
				strerror(-fd));
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ||
	    strncmp(info.name, name, sizeof(info.name) - 1))
		return incomplete(path);
	return 0;
}

static int check_pin(const char *kind, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", TNB_PINS, kind, name);
	return access(path, F_OK) ? incomplete(path + strlen(TNB_PINS) + 1) : 0;
}

static int check_program(const struct tnb_program *row)
{
	int err = check_pin("progs", row->name);

	return err || row->by == TNB_BY_RUN ? err
					    : check_pin("links", row->name);
}

/* Of a set that was loaded under lockdown. */
static bool is_left_out(const struct tnb_program *row,
			const struct tnb_loaded *loaded)
{
	return loaded->attach == TNB_ATTACH_NONE && row->flags & TNB_WRITES;
}

/* Invariant I2 makes every other part exist where the needed ones do. */
static int check_parts(const struct tnb_loaded *loaded)
{
	int err = 0;

	for (const struct tnb_map *row = tnb_maps; !err && row->name; row++)
		if (row->flags & TNB_NEEDED)
			err = check_map(row->name);
	for (const struct tnb_program *row = tnb_programs; !err && row->name;
	     row++)
		if (row->flags & TNB_NEEDED && !is_left_out(row, loaded))
			err = check_program(row);
	return err;
}

int tnb_pins_add_loaded(const struct tnb_loaded *loaded)
{
	_cleanup_close_
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tnb_loaded", sizeof(__u32),
				sizeof(*loaded), 1, NULL);
	__u32 key = 0;

	if (fd < 0 || tnb_bpf_map_update(fd, &key, loaded))
		return tnb_fail(-errno, "cannot store what is loaded: %s",
				strerror(errno));
	return tnb_pins_add(TNB_PINS_NEW, "maps", LOADED, fd);
}

int tnb_pins_loaded(struct tnb_loaded *loaded)
{
	_cleanup_close_
	int fd = -1;
	struct tnb_loaded found;
	__u32 key = 0;
	int err;

	if (access(TNB_PINS, F_OK) && errno == ENOENT)
		return tnb_fail(
			-ENOENT,
			"the programs are not loaded: run 'timensbpf load'");
	if (access(TNB_PINS, R_OK | X_OK))
		return tnb_fail(-errno, "cannot read %s: %s; run as root",
				TNB_PINS, strerror(errno));
	fd = tnb_pins_get("maps", LOADED);
	if (fd == -EPERM || fd == -EACCES)
		return tnb_fail(fd, "cannot open %s: %s; run as root", TNB_PINS,
				strerror(-fd));
	if (fd < 0 || tnb_bpf_map_lookup(fd, &key, &found) ||
	    found.attach < TNB_ATTACH_FEXIT || found.attach > TNB_ATTACH_NONE)
		return incomplete("maps/" LOADED);
	/* With other pages, a version may consist of other parts. */
	err = found.page_abi == TNB_PAGE_ABI ? check_parts(&found) : 0;
	if (err)
		return err;
	found.version[sizeof(found.version) - 1] = '\0';
	*loaded = found;
	return 0;
}
