/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules. A cgroup points to a slot (cgroup_slots); the page of a slot names
 * its owner. An entry whose slot is another cgroup's is inherited.
 */
#include "rule.h"

#include "base/array.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "api/client.h"
#include "base/error.h"
#include "host_clock.h"
#include "transaction.h"
#include "process/converge.h"
#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <abi/timekeeper.h>

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_USEC 1000LL
/* time(2) answers by fmod_ret, which cannot return 0
 * (bpf/read/clock_time.bpf.c). */
#define REALTIME_MIN_NS (1 * NSEC_PER_SEC)
#define CLOCK_MAX_NS (TNB_SEC_MAX * NSEC_PER_SEC)

const char *tnb_clock_name(enum tnb_clock_id clock)
{
	static const char *const names[TNB_CLOCKS] = {
		[TNB_REALTIME] = "realtime",
		[TNB_MONOTONIC] = "monotonic",
		[TNB_BOOTTIME] = "boottime",
	};

	return names[clock];
}

/* ---- The offsets that a change asks for ---------------------------------- */

static int check_range(enum tnb_clock_id clock, int64_t host, int64_t offset)
{
	int64_t least = clock == TNB_REALTIME ? REALTIME_MIN_NS : 0;
	int64_t now;

	if (__builtin_add_overflow(host, offset, &now) || now < least ||
	    now > CLOCK_MAX_NS)
		return tnb_fail(
			-ERANGE,
			clock == TNB_REALTIME
				? "realtime would leave its range: it goes from 1970-01-01 00:00:01 to 2262-04-11 UTC"
				: "%s would leave its range: it must stay between 0 and 292 years, choose a smaller step",
			tnb_clock_name(clock));
	return 0;
}

/* Upwards, so that the earliest date stays in its range. */
static int64_t whole_microseconds(int64_t ns)
{
	int64_t rest = ns % NSEC_PER_USEC;

	return rest > 0 ? ns + NSEC_PER_USEC - rest : ns - rest;
}

static int apply_change(const struct tnb *tnb, const struct tnb_change *change,
			struct tnb_offsets *offsets)
{
	struct tnb_offsets changed = *offsets;

	for (int i = 0; i < TNB_CLOCKS; i++) {
		enum tnb_clock_id clock = (enum tnb_clock_id)i;
		int64_t host, offset = change->offset_ns[i];
		int err;

		if (!change->given[i])
			continue;
		err = tnb_host_clock(tnb, clock, &host);
		if (err)
			return err;
		if (clock == TNB_REALTIME && change->realtime_is_date &&
		    __builtin_sub_overflow(offset, host, &offset))
			offset = INT64_MIN;
		err = check_range(clock, host, offset);
		if (err)
			return err;
		if (clock == TNB_REALTIME)
			offset = whole_microseconds(offset);
		changed.ns[i] = offset;
	}
	*offsets = changed;
	return 0;
}

/* Living processes never see MONOTONIC or BOOTTIME step back unasked. */
static int check_step(int fd, const struct tnb_offsets *from,
		      const struct tnb_offsets *to, unsigned int flags)
{
	for (int i = TNB_MONOTONIC; i <= TNB_BOOTTIME; i++)
		if (to->ns[i] < from->ns[i] && !(flags & TNB_FORCE) &&
		    tnb_cgroup_is_populated(fd))
			return tnb_fail(
				-EBUSY,
				"%s would step back for the processes that live in the cgroup: use --force, or a cgroup without processes",
				tnb_clock_name((enum tnb_clock_id)i));
	return 0;
}

/* ---- Pointing a tree to another slot ------------------------------------- */

struct repoint {
	struct tnb *tnb;
	__u32 from; /* 0: those without an entry */
	__u32 to;
};

/* An entry for a cgroup that is already gone would never be removed: look
 * again after making it. */
static int point_living(struct tnb *tnb, int fd, uint64_t id, __u32 slot)
{
	int err = tnb_slot_point(tnb, id, slot);

	if (!err && slot && !tnb_cgroup_is_alive(fd))
		err = tnb_slot_point(tnb, id, 0);
	return err;
}

/* Those that inherited `from` follow; a rule of their own ends the descent. */
static int repoint_one(int fd, uint64_t id, void *context)
{
	struct repoint *repoint = context;
	__u32 slot = tnb_slot_of(repoint->tnb, id);

	if (slot == repoint->to)
		return 0;
	if (slot != repoint->from)
		return TNB_WALK_PRUNE;
	return point_living(repoint->tnb, fd, id, repoint->to);
}

/*
 * First the cgroup itself, then those below. A mkdir below that ran before the
 * first has ended after the barrier, and the walk sees its directory; one that
 * runs later finds the new entry (bpf/life/cgroup.bpf.c).
 */
static int repoint_tree(struct tnb *tnb, int fd, uint64_t id, __u32 from,
			__u32 to)
{
	struct repoint repoint = { .tnb = tnb, .from = from, .to = to };
	int err = point_living(tnb, fd, id, to);

	if (err)
		return err;
	err = tnb_cgroup_barrier();
	return err ? err : tnb_cgroup_walk(fd, repoint_one, &repoint);
}

/* ---- Setting ------------------------------------------------------------- */

/*
 * A rule begins and ends for its whole tree at one page write. While a tree is
 * pointed to another slot, that slot shows the time that the tree has already,
 * and has no owner. Meanwhile the processes that run in it are given its page,
 * with the number that the pass will be: for them, too, it is that one write
 * that changes the time. Who is killed there leaves the journal open, and the
 * next who takes the lock puts those entries back (repair.h).
 */
static int set_new(struct tnb *tnb, int fd, uint64_t id, __u32 inherited,
		   const struct tnb_offsets *before,
		   const struct tnb_offsets *after)
{
	uint64_t taken = 0;
	__u32 slot;
	int err = tnb_slot_find_free(tnb, &slot);

	if (!err) {
		taken = tnb_clock_page_taken(tnb, slot);
		err = tnb_clock_page_store(tnb, slot, 0, 0, before);
	}
	if (!err)
		err = repoint_tree(tnb, fd, id, inherited, slot);
	tnb_step();
	if (!err)
		tnb_converge_tree(tnb, fd);
	if (!err && !tnb_cgroup_is_alive(fd))
		err = tnb_fail(-ENODEV, "the cgroup was removed meanwhile");
	if (!err)
		return tnb_clock_page_store(tnb, slot, id, taken, after);
	return err;
}

static int set_locked(struct tnb *tnb, int fd, uint64_t id,
		      const struct tnb_change *change, unsigned int flags)
{
	__u32 slot = tnb_slot_of(tnb, id);
	const struct tnb_offsets before = tnb_clock_page_offsets(tnb, slot);
	struct tnb_offsets after = before;
	int err = apply_change(tnb, change, &after);

	if (!err)
		err = check_step(fd, &before, &after, flags);
	if (err)
		return err;
	if (tnb_slot_is_own(tnb, slot, id))
		return tnb_clock_page_store(tnb, slot, id, 0, &after);
	err = tnb_transaction_begin(tnb);
	if (!err)
		err = set_new(tnb, fd, id, slot, &before, &after);
	return tnb_transaction_end(tnb, err);
}

/* Afterwards, who came or began meanwhile. */
static int set_and_settle(struct tnb *tnb, int fd, uint64_t id,
			  const struct tnb_change *change, unsigned int flags)
{
	int err = set_locked(tnb, fd, id, change, flags);

	if (!err)
		tnb_converge_tree(tnb, fd);
	return err;
}

int tnb_rule_set_unlocked(struct tnb *tnb, const char *path,
			  const struct tnb_change *change, unsigned int flags)
{
	_cleanup_close_
	int fd = -1;
	uint64_t id;

	fd = tnb_cgroup_open(path, &id);
	return fd < 0 ? fd : set_and_settle(tnb, fd, id, change, flags);
}

static int set_here(struct tnb *tnb, const char *path,
		    const struct tnb_change *change, unsigned int flags)
{
	_cleanup_close_
	int lock = tnb_transaction_lock(tnb);

	return lock < 0 ? lock
			: tnb_rule_set_unlocked(tnb, path, change, flags);
}

int tnb_rule_set(struct tnb *tnb, const char *path,
		 const struct tnb_change *change, unsigned int flags)
{
	int err = flags & TNB_HERE ? TNB_CLIENT_NO_DAEMON
				   : tnb_client_set(path, change, flags);

	return err == TNB_CLIENT_NO_DAEMON ? set_here(tnb, path, change, flags)
					   : err;
}

/* ---- Ending -------------------------------------------------------------- */

static int unset_locked(struct tnb *tnb, int fd, uint64_t id, const char *path,
			unsigned int flags)
{
	__u32 slot = tnb_slot_of(tnb, id), inherited;
	struct tnb_offsets before, after;
	uint64_t parent;
	int err;

	if (!tnb_slot_is_own(tnb, slot, id))
		return tnb_fail(
			-ENOENT,
			"'%s' has no time of its own: 'timensbpf show' lists the cgroups that have",
			path);
	err = tnb_cgroup_parent(fd, &parent);
	if (err)
		return err;
	inherited = tnb_slot_of(tnb, parent);
	before = tnb_clock_page_offsets(tnb, slot);
	after = tnb_clock_page_offsets(tnb, inherited);
	err = check_step(fd, &before, &after, flags);
	if (!err)
		err = tnb_transaction_begin(tnb);
	if (err)
		return err;
	err = tnb_clock_page_store(tnb, slot, 0, 0, &after);
	tnb_step();
	/* With that it has ended. Who could not be pointed elsewhere is where
	 * a killed predecessor would have left it. */
	if (!err && repoint_tree(tnb, fd, id, slot, inherited))
		err = tnb_transaction_repair(tnb);
	else
		err = tnb_transaction_end(tnb, err);
	if (!err)
		tnb_converge_tree(tnb, fd);
	return err;
}

int tnb_rule_unset_unlocked(struct tnb *tnb, const char *path,
			    unsigned int flags)
{
	_cleanup_close_
	int fd = -1;
	uint64_t id;

	fd = tnb_cgroup_open(path, &id);
	return fd < 0 ? fd : unset_locked(tnb, fd, id, path, flags);
}

static int unset_here(struct tnb *tnb, const char *path, unsigned int flags)
{
	_cleanup_close_
	int lock = tnb_transaction_lock(tnb);

	return lock < 0 ? lock : tnb_rule_unset_unlocked(tnb, path, flags);
}

int tnb_rule_unset(struct tnb *tnb, const char *path, unsigned int flags)
{
	int err = flags & TNB_HERE ? TNB_CLIENT_NO_DAEMON
				   : tnb_client_unset(path, flags);

	return err == TNB_CLIENT_NO_DAEMON ? unset_here(tnb, path, flags) : err;
}

int tnb_rule_end_check(const struct tnb_rule *rule, unsigned int flags)
{
	_cleanup_close_
	int fd = open(rule->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tnb_offsets host = { { 0 } };
	struct tnb_offsets own;

	memcpy(own.ns, rule->offset_ns, sizeof(own.ns));
	return fd < 0 ? 0 : check_step(fd, &own, &host, flags);
}

/* ---- Listing ------------------------------------------------------------- */

struct listing {
	struct tnb_rule *rules;
	size_t count, space;
};

static struct timespec date_of(const struct tnb *tnb, int64_t offset)
{
	struct timespec date = { 0 };
	struct tnb_time time;
	int64_t host;

	if (!tnb_host_clock(tnb, TNB_REALTIME, &host)) {
		time = tnb_time_from_ns(host + offset);
		date.tv_sec = time.sec;
		date.tv_nsec = time.nsec;
	}
	return date;
}

static int list_one(struct tnb *tnb, uint64_t cgroup, __u32 slot, void *context)
{
	struct listing *list = context;
	struct tnb_offsets offsets;
	struct tnb_rule *rule;
	void *grown;
	int err;

	if (!tnb_slot_is_own(tnb, slot, cgroup))
		return 0;
	grown = tnb_array_grow(list->rules, list->count, &list->space,
			       sizeof(*rule));
	if (!grown)
		return tnb_fail_memory();
	list->rules = grown;
	rule = &list->rules[list->count];
	memset(rule, 0, sizeof(*rule));
	/* Removed, and its entry not yet. */
	err = tnb_cgroup_path(tnb->mount, cgroup, &rule->path);
	if (err)
		return err == -ENOENT ? 0 : err;
	offsets = tnb_clock_page_offsets(tnb, slot);
	rule->cgroup_id = cgroup;
	rule->slot = slot;
	memcpy(rule->offset_ns, offsets.ns, sizeof(rule->offset_ns));
	rule->date = date_of(tnb, offsets.ns[TNB_REALTIME]);
	list->count++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tnb_rule *)a)->path,
		      ((const struct tnb_rule *)b)->path);
}

int tnb_rules_load(struct tnb *tnb, struct tnb_rule **rules)
{
	struct listing list = { 0 };
	int err = tnb_slots_for_each(tnb, list_one, &list);

	if (err) {
		tnb_rules_free(&list.rules, list.count);
		return err;
	}
	if (list.count)
		qsort(list.rules, list.count, sizeof(*list.rules), by_path);
	*rules = list.rules;
	return (int)list.count;
}

void tnb_rules_free(struct tnb_rule **rules, size_t count)
{
	for (size_t i = 0; *rules && i < count; i++)
		free((*rules)[i].path);
	free(*rules);
	*rules = NULL;
}
