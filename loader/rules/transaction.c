/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "transaction.h"

#include "base/cgroup.h"
#include "base/cgroup_tree.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "clock_page.h"
#include "kernel/bpf_map.h"
#include "slots.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>

/* Each turn repairs one more generation of new cgroups. */
#define REPAIR_TURNS 100

static int mark(struct tnb *tnb, __u32 changing)
{
	__u32 key = 0;

	if (tnb_bpf_map_update(tnb->journal, &key, &changing))
		return tnb_fail(-errno, "cannot write maps/journal: %s",
				strerror(errno));
	return 0;
}

/* The slot of the nearest cgroup above whose slot has an owner. */
static int slot_above(struct tnb *tnb, const char *path, __u32 *slot)
{
	_cleanup_close_
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t parent = 0;

	*slot = 0;
	while (fd >= 0) {
		int above, err = tnb_cgroup_parent(fd, &parent);

		if (err || !parent)
			return err;
		*slot = tnb_slot_of(tnb, parent);
		if (!*slot || tnb_clock_page_owner(tnb, *slot))
			return 0;
		above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = above;
	}
	/* The cgroup was removed meanwhile. */
	if (errno == ENOENT || errno == ENODEV)
		return -ENOENT;
	return tnb_fail(-errno, "cannot examine the cgroups above '%s': %s",
			path, strerror(errno));
}

static int repair_one(struct tnb *tnb, uint64_t cgroup, __u32 slot,
		      void *context)
{
	_cleanup_free_
	char *path = NULL;
	size_t *repaired = context;
	__u32 above = 0;
	int err;

	if (tnb_clock_page_owner(tnb, slot))
		return 0;
	err = tnb_cgroup_path(tnb->mount, cgroup, &path);
	if (!err)
		err = slot_above(tnb, path, &above);
	if (err && err != -ENOENT && err != -ENODEV)
		return err;
	++*repaired;
	return tnb_slot_point(tnb, cgroup, above);
}

/* A cgroup that is made below one that is not repaired yet inherits its entry.
 * So all entries are visited again after a barrier, until none was wrong. */
static int repair_all(struct tnb *tnb)
{
	size_t repaired = 1;
	int err = 0;

	for (int i = 0; !err && repaired && i < REPAIR_TURNS; i++) {
		repaired = 0;
		err = tnb_cgroup_barrier();
		if (!err)
			err = tnb_slots_for_each(tnb, repair_one, &repaired);
	}
	if (!err && repaired)
		err = tnb_fail(
			-EAGAIN,
			"cgroups are made faster than they can be examined: try again");
	return err;
}

int tnb_transaction_repair(struct tnb *tnb)
{
	__u32 key = 0, changing;
	int err;

	if (tnb_bpf_map_lookup(tnb->journal, &key, &changing) || !changing)
		return 0;
	err = repair_all(tnb);
	return err ? err : mark(tnb, 0);
}

/* While the caller waited for the lock, the programs may have been unloaded. */
static int check_loaded(const struct tnb *tnb)
{
	_cleanup_close_
	int pinned = tnb_pins_map(TNB_MAP_cgroup_slots);
	int64_t id = pinned < 0 ? pinned : tnb_bpf_map_id(pinned);

	if (id >= 0 && id == tnb_bpf_map_id(tnb->cgroup_slots))
		return 0;
	if (id < 0 && id != -ENOENT)
		return tnb_fail((int)id, "cannot open the pinned maps: %s",
				strerror((int)-id));
	return tnb_fail(-ESTALE,
			"the programs were unloaded meanwhile: try again");
}

int tnb_transaction_lock(struct tnb *tnb)
{
	_cleanup_close_
	int lock = tnb_pins_lock();
	int err;

	if (lock < 0)
		return lock;
	err = check_loaded(tnb);
	if (!err)
		err = tnb_transaction_repair(tnb);
	return err ? err : TAKE_FD(lock);
}

int tnb_transaction_begin(struct tnb *tnb)
{
	int err = mark(tnb, 1);

	tnb_step();
	return err;
}

int tnb_transaction_end(struct tnb *tnb, int err)
{
	char reason[512];

	if (!err)
		return mark(tnb, 0);
	snprintf(reason, sizeof(reason), "%s", tnb_error_message());
	(void)!tnb_transaction_repair(tnb);
	return tnb_fail(err, "%s", reason);
}
