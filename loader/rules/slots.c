/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slots.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "channel.h"
#include "clock_page.h"
#include "kernel/bpf_map.h"
#include "pages.h"

#include <bpf/bpf.h>
#include <errno.h>

__u32 tnb_slot_of(const struct tnb *tnb, uint64_t cgroup)
{
	__u32 slot;

	if (!cgroup || tnb_bpf_map_lookup(tnb->cgroup_slots, &cgroup, &slot))
		return 0;
	return slot < TNB_SLOTS ? slot : 0;
}

bool tnb_slot_is_own(const struct tnb *tnb, __u32 slot, uint64_t cgroup)
{
	return slot && tnb_clock_page_owner(tnb, slot) == cgroup;
}

int tnb_slot_point(struct tnb *tnb, uint64_t cgroup, __u32 slot)
{
	__u32 from;
	int err = 0;

	tnb_step();
	/* The processes of the cgroup may map the page of the slot that they
	 * leave. */
	from = tnb_slot_of(tnb, cgroup);
	if (from && from != slot)
		tnb_channel_leave_slot(tnb->loader, from);
	if (from && from != slot)
		err = tnb_clock_page_pass_revoke(tnb, from);
	if (err)
		return err;
	if (slot)
		err = tnb_bpf_map_update(tnb->cgroup_slots, &cgroup, &slot);
	else
		err = tnb_bpf_map_delete(tnb->cgroup_slots, &cgroup);
	if (!err || (!slot && errno == ENOENT))
		/* Again, for a process that was found in the old slot after the
		 * first revoke. */
		return from && from != slot
			       ? tnb_clock_page_pass_revoke(tnb, from)
			       : 0;
	if (errno == E2BIG)
		return tnb_fail(
			-ENOSPC,
			"the map is full: %u cgroups are virtual already, end a rule first",
			TNB_CGROUPS);
	return tnb_fail(-errno, "cannot change the map of cgroups: %s",
			strerror(errno));
}

static int by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* If the given key was deleted meanwhile, get_next_key() restarts at the first
 * key, so that keys may repeat. */
static size_t drop_repeated(uint64_t *keys, size_t count)
{
	size_t kept = 0;

	qsort(keys, count, sizeof(*keys), by_number);
	for (size_t i = 0; i < count; i++)
		if (!kept || keys[i] != keys[kept - 1])
			keys[kept++] = keys[i];
	return kept;
}

int tnb_slots_for_each(struct tnb *tnb, tnb_slot_visit visit, void *context)
{
	_cleanup_free_
	uint64_t *keys = calloc(TNB_CGROUPS, sizeof(*keys));
	size_t count = 0;
	int err = 0;

	if (!keys)
		return tnb_fail_memory();
	/* All keys first, so that the callback may remove some. */
	while (count < TNB_CGROUPS &&
	       !bpf_map_get_next_key(tnb->cgroup_slots,
				     count ? &keys[count - 1] : NULL,
				     &keys[count]))
		count++;
	count = drop_repeated(keys, count);
	for (size_t i = 0; !err && i < count; i++) {
		__u32 slot = tnb_slot_of(tnb, keys[i]);

		if (slot)
			err = visit(tnb, keys[i], slot, context);
	}
	return err;
}

static int sweep_dead(struct tnb *tnb, uint64_t cgroup, __u32 slot,
		      void *context)
{
	_cleanup_free_
	char *path = NULL;

	(void)slot;
	(void)context;
	return tnb_cgroup_path(tnb->mount, cgroup, &path) == -ENOENT
		       ? tnb_slot_point(tnb, cgroup, 0)
		       : 0;
}

static bool is_stale(const struct tnb *tnb, __u32 slot)
{
	uint64_t owner = tnb_clock_page_owner(tnb, slot);

	return owner != TNB_OWNER_UNKNOWN && tnb_slot_of(tnb, owner) != slot;
}

static bool is_unowned(const struct tnb *tnb, __u32 slot)
{
	return !tnb_clock_page_owner(tnb, slot);
}

static __u32 search(struct tnb *tnb, bool (*fits)(const struct tnb *, __u32))
{
	for (__u32 i = 0; i < TNB_SLOTS - 1; i++) {
		__u32 slot = 1 + (tnb->slot_hint - 1 + i) % (TNB_SLOTS - 1);

		if (fits(tnb, slot))
			return slot;
	}
	return 0;
}

/*
 * With a cgroup its entry is removed (tp_cgroup_release), but its page keeps
 * the owner; on a preemptible kernel the entry may stay, too. No cgroup below
 * can still point to the slot: cgroups are released before their parent.
 */
int tnb_slot_find_free(struct tnb *tnb, __u32 *slot)
{
	__u32 found = search(tnb, is_unowned);
	int err;

	if (!found) {
		err = tnb_slots_for_each(tnb, sweep_dead, NULL);
		if (err)
			return err;
		found = search(tnb, is_stale);
	}
	if (!found)
		return tnb_fail(
			-ENOSPC,
			"all %u rules are in use: end one first with 'timensbpf unset'",
			TNB_SLOTS - 1);
	tnb->slot_hint = found;
	*slot = found;
	return 0;
}
