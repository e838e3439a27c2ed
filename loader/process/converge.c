/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes are listed again until none is left to be changed: a process that
 * is not changed yet may have children in the meantime. The child of a changed
 * process has its parent's pages.
 */
#define _GNU_SOURCE
#include "converge.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/proc.h"
#include "kernel/probe.h"
#include "listing.h"
#include "rules/channel.h"
#include "vdso/image_pick.h"
#include "vdso/link_page.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

/* How long processes are tried again that cannot be changed right now: in
 * vfork(2), or in a signal handler that interrupted a clock read. */
#define RETRY_LIMIT_NS 1000000000ULL
#define RETRY_PAUSE_NS 5000000L
/* Bounds a machine where processes start faster than they can be changed. */
#define LISTINGS_MAX 200
/* The most of one convergence. A change has two of them within the time that a
 * client waits (DONE_MS of api/client.c). */
#define CONVERGE_MOST_NS 25000000000ULL

/* ---- Processes that cannot be changed ------------------------------------ */

static void leave_out(struct tnb_listing *list,
		      const struct tnb_listing *hopeless)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!tnb_listing_contains(hopeless, list->target[i].pid))
			list->target[kept++] = list->target[i];
	list->count = kept;
}

/* Its system calls at least are to have the time of its cgroup. */
static void give_up(const struct tnb_listing *list, size_t i)
{
	tnb_channel_forget_arrival(list->tnb->loader, list->target[i].pid);
}

static int note_hopeless(const struct tnb_listing *list,
			 struct tnb_listing *hopeless, bool *again,
			 uint32_t *changed)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->count; i++) {
		const struct tnb_target *target = &list->target[i];

		if (!target->result)
			++*changed;
		else if (target->once)
			err = tnb_listing_append(hopeless, target->pid, true);
		else if (target->result == -EAGAIN ||
			 target->result == -ETIMEDOUT)
			*again = true;
		else if (target->result != -ESRCH) {
			give_up(list, i);
			err = tnb_listing_append(hopeless, target->pid, false);
		}
		if (target->result)
			tnb_log_debug("process %d was not changed: %s",
				      target->pid, strerror(-target->result));
	}
	return err;
}

/* ---- What a patcher needs ------------------------------------------------ */

/* Whether the caller itself reads by our image: then its vDSO is not as the
 * kernel made it. */
static bool is_linked_itself(void)
{
	_cleanup_close_
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tnb_link_page page;
	struct tnb_peek peek;
	bool is_linked;

	if (proc < 0 || tnb_peek_open(proc, &peek))
		return false;
	is_linked = tnb_link_page_find(proc, &peek, &page);
	tnb_peek_close(&peek);
	return is_linked;
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

struct convergence {
	struct tnb_listing now, hopeless;
	const struct tnb_vdsos *vdsos; /* NULL: not needed yet */
	struct tnb_vdsos found;
	__u64 until_ns; /* 0: the last attempt changed a process */
	__u64 at_most_ns;
	uint32_t changed;
};

static bool has_progress(const struct tnb_listing *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->target[i].result)
			return true;
	return false;
}

/* The limit runs from the first round in which no process could be changed. */
static bool is_hopeless(struct convergence *convergence, bool progress)
{
	if (progress)
		convergence->until_ns = 0;
	else if (!convergence->until_ns)
		convergence->until_ns = tnb_clock_now() + RETRY_LIMIT_NS;
	return (convergence->until_ns &&
		(__s64)(tnb_clock_now() - convergence->until_ns) > 0) ||
	       (__s64)(tnb_clock_now() - convergence->at_most_ns) > 0;
}

static int prepare(struct convergence *convergence)
{
	int err = check();

	if (!err && !convergence->vdsos) {
		err = tnb_vdso_probe(&convergence->found);
		convergence->vdsos = err ? NULL : &convergence->found;
	}
	for (size_t i = 0; err && i < convergence->now.count; i++)
		give_up(&convergence->now, i);
	return err;
}

/* 0: no process is left. 1: once more. -EAGAIN: some processes could not be
 * changed now. */
static int converge_once(struct convergence *convergence,
			 const struct tnb_scope *scope)
{
	const struct timespec pause = { .tv_nsec = RETRY_PAUSE_NS };
	struct tnb_listing *now = &convergence->now;
	bool again = false;
	int err;

	now->count = 0;
	err = scope->lister(now, scope);
	leave_out(now, &convergence->hopeless);
	if (err || !now->count)
		return err;
	err = prepare(convergence);
	if (!err)
		err = tnb_patcher_run(now->tnb, convergence->vdsos, now->target,
				      now->count);
	if (!err)
		err = note_hopeless(now, &convergence->hopeless, &again,
				    &convergence->changed);
	if (err)
		return err;
	if (is_hopeless(convergence, has_progress(now)))
		return -EAGAIN;
	if (again)
		nanosleep(&pause, NULL);
	return 1;
}

static int converge(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		    const struct tnb_scope *scope, uint32_t *changed)
{
	struct convergence convergence = {
		.now = { .tnb = tnb },
		.vdsos = vdsos,
		.at_most_ns = tnb_clock_now() + CONVERGE_MOST_NS,
	};
	int more = 1;

	for (int i = 0; i < LISTINGS_MAX && more > 0; i++)
		more = converge_once(&convergence, scope);
	if (more < 0)
		tnb_log_debug("some running processes stay as they are: %s",
			      more == -EAGAIN ? "not now"
					      : tnb_error_message());
	free(convergence.now.target);
	free(convergence.hopeless.target);
	if (changed)
		*changed += convergence.changed;
	return more > 0 ? -EAGAIN : more;
}

void tnb_converge_tree(struct tnb *tnb, int cgroup, uint32_t *changed)
{
	const struct tnb_scope scope = { .lister = tnb_listing_tree,
					 .cgroup = cgroup };

	(void)converge(tnb, NULL, &scope, changed);
}

int tnb_converge_some(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		      const pid_t *pids, size_t count)
{
	const struct tnb_scope scope = { .lister = tnb_listing_some,
					 .pids = pids,
					 .count = count };

	return converge(tnb, vdsos, &scope, NULL);
}

int tnb_converge_all(struct tnb *tnb, const struct tnb_vdsos *vdsos)
{
	const struct tnb_scope scope = { .lister = tnb_listing_machine };

	return converge(tnb, vdsos, &scope, NULL);
}
