/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes are listed again until nobody is left to be seen to, because those
 * that were not seen to yet may have children meanwhile. The children of the
 * others have their parent's pages.
 */
#define _GNU_SOURCE
#include "converge.h"

#include "base/array.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rules/placement.h"
#include "change.h"
#include "kernel/probe.h"
#include "vdso/link_page.h"
#include "vdso/image_pick.h"
#include "base/log.h"
#include "census.h"
#include "base/proc.h"
#include "process.h"
#include "rules/channel.h"
#include "rules/slots.h"
#include "patcher.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

/* Of trying those again that cannot be changed right now: in vfork(2), in a
 * signal handler that interrupted a reading. */
#define SETTLE_LIMIT_NS 1000000000ULL
#define SETTLE_PAUSE_NS 5000000L
/* Of a machine where processes are born faster than they can be seen to. */
#define LISTINGS_MAX 200
/* Twice in a change, within what a client waits for (DONE_MS of control.c). */
#define SETTLE_MOST_NS 25000000000ULL

struct list {
	struct tnb *tnb;
	bool slow_too; /* those that read by system call, and are right */
	struct tnb_target *target;
	size_t count, space;
};

/* ---- Listing ------------------------------------------------------------- */

static bool contains(const struct list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->target[i].pid == pid)
			return true;
	return false;
}

/* Once: neighbours are listed with each other. */
static int append(struct list *list, pid_t pid, bool once)
{
	void *grown;

	if (contains(list, pid))
		return 0;
	grown = tnb_array_grow(list->target, list->count, &list->space,
			       sizeof(*list->target));
	if (!grown)
		return -ENOMEM;
	list->target = grown;
	list->target[list->count++] =
		(struct tnb_target){ .pid = pid, .once = once };
	return 0;
}

/*
 * It began in a rule, and reads by system call: slow, but right, unless it
 * looks for the vDSO where that is not hidden. Tried once where somebody asked
 * for it: stopped again and again, a call whose timeout begins anew would never
 * end.
 */
static bool is_hidden(int proc)
{
	_cleanup_close_
	int memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);

	return memory >= 0 &&
	       tnb_process_auxv(proc, memory, false) == TNB_VDSO_HIDDEN;
}

enum need {
	LIVES_OUTSIDE, /* and nothing is needed */
	NOTHING_NEEDED,
	HAS_PAGES, /* the right ones */
	HAS_TO_BE_CHANGED,
	MAY_BE_CHANGED, /* once */
	CANNOT_TELL,
};

/* Kernel threads, and those that have ended, have nothing mapped. */
static enum need look_at(struct tnb *tnb, int proc, pid_t pid, pid_t tid)
{
	struct tnb_view live;
	struct tnb_placement placement;
	enum need nothing;
	int err = tnb_placement_of(tnb, proc, tid, &placement);

	if (err)
		return err == -EAGAIN ? HAS_TO_BE_CHANGED : CANNOT_TELL;
	nothing = placement.slot ? NOTHING_NEEDED : LIVES_OUTSIDE;
	err = tnb_view_take(pid, tid, proc, &live);
	if (err)
		return err == -ENOEXEC || err == -ENOENT ? nothing
							 : CANNOT_TELL;
	if (tnb_view_is_in_place(&live, &placement))
		return tnb_view_is_linked(&live) ? HAS_PAGES : nothing;
	return live.has_pages || !is_hidden(proc) ? HAS_TO_BE_CHANGED
						  : MAY_BE_CHANGED;
}

static int consider(struct list *list, pid_t pid)
{
	struct tnb_loader_state *loader = list->tnb->loader;
	__u64 arrival = tnb_channel_arrival(loader, pid);
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(pid, &tid);

	if (proc < 0 || pid == getpid())
		return 0;
	switch (look_at(list->tnb, proc, pid, tid)) {
	case HAS_TO_BE_CHANGED:
		return append(list, pid, false);
	case MAY_BE_CHANGED:
		/* By system call it has the time of where it is at once. */
		tnb_channel_arrived(loader, arrival);
		return list->slow_too ? append(list, pid, true) : 0;
	case HAS_PAGES:
		tnb_channel_forget_arrival(loader, pid);
		return 0;
	case NOTHING_NEEDED:
		tnb_channel_arrived(loader, arrival);
		return 0;
	case LIVES_OUTSIDE:
		/* A word of his has no effect, but may be of a move that is
		 * about to happen: a placement is read without the lock of
		 * cgroups since 6.8. */
	case CANNOT_TELL:
		break;
	}
	return 0;
}

static int list_cgroup(int cgroup, struct list *list)
{
	struct tnb_census members;
	int err = tnb_census_read(cgroup, &members);

	for (size_t i = 0; !err && i < members.count; i++)
		err = consider(list, members.pid[i]);
	tnb_census_free(&members);
	return err;
}

static int list_below(int cgroup, uint64_t id, void *context)
{
	(void)id;
	return list_cgroup(cgroup, context);
}

/* Which processes are meant. */
struct scope {
	int (*lister)(struct list *list, const struct scope *scope);
	int cgroup;
	const pid_t *pids;
	size_t count;
};

static int list_tree(struct list *list, const struct scope *scope)
{
	int err;

	list->slow_too = true;
	err = list_cgroup(scope->cgroup, list);
	return err ? err : tnb_cgroup_walk(scope->cgroup, list_below, list);
}

/* With all who live in the same cgroup of a rule: it may have had children
 * since it moved. Outside, those are slow at worst. */
static int list_neighbours(struct list *list, pid_t pid, uint64_t *last)
{
	uint64_t id;
	_cleanup_free_
	char *path = NULL;
	_cleanup_close_
	int cgroup = -1;

	/* Those who start or move together mostly are in one. */
	if (tnb_cgroup_id_of(pid, &id) || id == *last ||
	    !tnb_slot_of(list->tnb, id) || tnb_cgroup_of(pid, &path))
		return 0;
	*last = id;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup < 0 ? 0 : list_cgroup(cgroup, list);
}

static int list_some(struct list *list, const struct scope *scope)
{
	uint64_t last = 0;
	int err = 0;

	for (size_t i = 0; !err && i < scope->count; i++) {
		list->slow_too = true;
		err = consider(list, scope->pids[i]);
		list->slow_too = false;
		if (!err)
			err = list_neighbours(list, scope->pids[i], &last);
	}
	return err;
}

static int list_machine(struct list *list, const struct scope *unused)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	(void)unused;
	list->slow_too = true;
	while (dir && !err && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			err = consider(list, atoi(entry->d_name));
	return err;
}

/* ---- Those that cannot be changed ---------------------------------------- */

static void leave_out(struct list *list, const struct list *hopeless)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!contains(hopeless, list->target[i].pid))
			list->target[kept++] = list->target[i];
	list->count = kept;
}

/* By system call at least it shall have the time of where it is. */
static void give_up(const struct list *list, size_t i)
{
	tnb_channel_forget_arrival(list->tnb->loader, list->target[i].pid);
}

static int note_hopeless(const struct list *list, struct list *hopeless,
			 bool *again)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->count; i++) {
		const struct tnb_target *target = &list->target[i];

		if (target->result && target->once)
			err = append(hopeless, target->pid, true);
		else if (target->result == -EAGAIN ||
			 target->result == -ETIMEDOUT)
			*again = true;
		else if (target->result && target->result != -ESRCH) {
			give_up(list, i);
			err = append(hopeless, target->pid, false);
		}
		if (target->result)
			tnb_log_debug("process %d was not changed: %s",
				      target->pid, strerror(-target->result));
	}
	return err;
}

/* ---- What a patcher needs ------------------------------------------------ */

/* Who reads virtual time by our image has no vDSO that is as the kernel made
 * it. */
static bool is_linked_itself(void)
{
	_cleanup_close_
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_
	int memory = proc < 0 ? -1 : openat(proc, "mem", O_RDONLY | O_CLOEXEC);
	struct tnb_link_page page;

	return memory >= 0 && tnb_link_page_find(proc, memory, &page);
}

static int check(void)
{
	if (!tnb_kernel_has_checkpoint_restore())
		return tnb_fail(
			-EOPNOTSUPP,
			"this kernel lacks CONFIG_CHECKPOINT_RESTORE: running processes cannot be changed without harm");
	if (!tnb_proc_is_first_namespace())
		return tnb_fail(
			-EOPNOTSUPP,
			"running processes can only be changed from the first pid namespace");
	if (is_linked_itself())
		return tnb_fail(
			-EOPNOTSUPP,
			"running processes can only be changed from outside of all rules");
	return 0;
}

/* ---- All of it ----------------------------------------------------------- */

struct settling {
	struct list now, hopeless;
	const struct tnb_vdso *vdso; /* NULL: not needed yet */
	struct tnb_vdso found;
	__u64 until_ns; /* 0: somebody could be changed so far */
	__u64 at_most_ns;
};

static bool has_progress(const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->target[i].result)
			return true;
	return false;
}

/* The time runs from the first round on in which nobody could be changed. */
static bool is_hopeless(struct settling *settling, bool progress)
{
	if (progress)
		settling->until_ns = 0;
	else if (!settling->until_ns)
		settling->until_ns = tnb_clock_now() + SETTLE_LIMIT_NS;
	return (settling->until_ns &&
		(__s64)(tnb_clock_now() - settling->until_ns) > 0) ||
	       (__s64)(tnb_clock_now() - settling->at_most_ns) > 0;
}

static int prepare(struct settling *settling)
{
	int err = check();

	if (!err && !settling->vdso) {
		err = tnb_vdso_probe(&settling->found);
		settling->vdso = err ? NULL : &settling->found;
	}
	for (size_t i = 0; err && i < settling->now.count; i++)
		give_up(&settling->now, i);
	return err;
}

/* 0: nobody is left. 1: once more. -EAGAIN: some could not be changed yet. */
static int settle_once(struct settling *settling, const struct scope *scope)
{
	const struct timespec pause = { .tv_nsec = SETTLE_PAUSE_NS };
	struct list *now = &settling->now;
	bool again = false;
	int err;

	now->count = 0;
	err = scope->lister(now, scope);
	leave_out(now, &settling->hopeless);
	if (err || !now->count)
		return err;
	err = prepare(settling);
	if (!err)
		err = tnb_patcher_run(now->tnb, settling->vdso, now->target,
				      now->count);
	if (!err)
		err = note_hopeless(now, &settling->hopeless, &again);
	if (err)
		return err;
	if (is_hopeless(settling, has_progress(now)))
		return -EAGAIN;
	if (again)
		nanosleep(&pause, NULL);
	return 1;
}

static int settle(struct tnb *tnb, const struct tnb_vdso *vdso,
		  const struct scope *scope)
{
	struct settling settling = {
		.now = { .tnb = tnb },
		.vdso = vdso,
		.at_most_ns = tnb_clock_now() + SETTLE_MOST_NS,
	};
	int more = 1;

	for (int i = 0; i < LISTINGS_MAX && more > 0; i++)
		more = settle_once(&settling, scope);
	if (more < 0)
		tnb_log_debug("some running processes stay as they are: %s",
			      more == -EAGAIN ? "not now"
					      : tnb_error_message());
	free(settling.now.target);
	free(settling.hopeless.target);
	return more > 0 ? -EAGAIN : more;
}

void tnb_converge_tree(struct tnb *tnb, int cgroup)
{
	const struct scope scope = { .lister = list_tree, .cgroup = cgroup };

	(void)settle(tnb, NULL, &scope);
}

int tnb_converge_some(struct tnb *tnb, const struct tnb_vdso *vdso,
		      const pid_t *pids, size_t count)
{
	const struct scope scope = { .lister = list_some,
				     .pids = pids,
				     .count = count };

	return settle(tnb, vdso, &scope);
}

int tnb_converge_all(struct tnb *tnb, const struct tnb_vdso *vdso)
{
	const struct scope scope = { .lister = list_machine };

	return settle(tnb, vdso, &scope);
}
