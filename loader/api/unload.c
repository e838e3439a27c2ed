/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "kernel/bpf_map.h"
#include "kernel/probe_events.h"
#include "process/converge.h"
#include "rules/transaction.h"
#include "set.h"

#include <errno.h>
#include <time.h>
#include <abi/page.h>

#define DRAIN_TRIES 100
#define DRAIN_PAUSE_NS 10000000L

/*
 * Once the rules have ended no deadline is translated any more. The programs
 * that put the memory of translated deadlines back must stay until the last of
 * these waits has ended. A thread that keeps its record longer than the limit
 * here has missed the program at its return; its memory was put back in another
 * way (bpf/wait/deadline_restore.bpf.c).
 */
static void drain_deadlines(void)
{
	const struct timespec pause = { .tv_nsec = DRAIN_PAUSE_NS };
	_cleanup_close_
	int fd = tnb_pins_map(TNB_MAP_in_flight);
	const __u32 key = 0;
	__u64 in_flight;

	for (int i = 0; fd >= 0 && i < DRAIN_TRIES; i++) {
		if (tnb_bpf_map_lookup(fd, &key, &in_flight) || !in_flight)
			return;
		nanosleep(&pause, NULL);
	}
}

static int by_depth(const void *a, const void *b)
{
	const char *left = ((const struct tnb_rule *)a)->path;
	const char *right = ((const struct tnb_rule *)b)->path;

	/* Longer paths first: children end before their parents. */
	return (strlen(left) < strlen(right)) - (strlen(left) > strlen(right));
}

static int end_rule(struct tnb *tnb, const struct tnb_rule *rule)
{
	struct tnb_cgroup cgroup = { .id = rule->cgroup_id,
				     .name = rule->name };
	_cleanup_close_
	int fd = tnb_cgroup_open_id(tnb->mount, rule->cgroup_id);
	int err;

	cgroup.fd = fd;
	err = fd < 0 ? fd : tnb_unset_locked(tnb, &cgroup, TNB_FORCE, NULL);
	/* A cgroup that was removed meanwhile has no rule any more. */
	return err == -ENODEV || err == -ENOENT ? 0 : err;
}

/*
 * All rules are checked before the first one ends, so that a refusal changes
 * nothing. Each rule ends at one instant; detaching the programs afterwards
 * changes no process's time.
 */
static int end_rules(struct tnb *tnb, unsigned int flags)
{
	struct tnb_rule *rules = NULL;
	int count = tnb_rules_load(tnb, &rules), err = 0;

	if (count < 0)
		return count;
	if (count)
		qsort(rules, (size_t)count, sizeof(*rules), by_depth);
	for (int i = 0; !err && i < count; i++)
		err = tnb_rule_end_check(&rules[i], flags);
	for (int i = 0; !err && i < count; i++)
		err = end_rule(tnb, &rules[i]);
	tnb_rules_free(&rules, (size_t)count);
	return err;
}

/*
 * Whether programs that cannot be opened may be removed. An incomplete set has
 * to be removable. But as its rules are not ended, processes with a clock page
 * would keep its time: so not if it could not be opened for want of files or
 * memory, nor if its pages have another form.
 */
static int check_unopened(int err, unsigned int flags)
{
	char reason[512];
	struct tnb_loaded state;

	if (flags & TNB_FORCE)
		return 0;
	if (err == -EPERM || err == -EACCES)
		return err;
	if (err != -EEXIST && err != -ENOENT) {
		snprintf(reason, sizeof(reason), "%s", tnb_error_message());
		return tnb_fail(
			err,
			"%s; with --force the programs are removed, and processes that run fast in a rule keep its time",
			reason);
	}
	if (tnb_pins_loaded(&state) || state.page_abi == TNB_PAGE_ABI)
		return 0;
	return tnb_fail(
		-EEXIST,
		"version %s is loaded and keeps its rules in another form: unload it with that version; with --force, processes that run fast in a rule keep its time",
		state.version);
}

int tnb_unload(unsigned int flags)
{
	_cleanup_close_
	int lock = tnb_pins_lock();
	struct tnb *tnb = NULL;
	int err;

	if (lock < 0)
		return lock;
	err = tnb_open(&tnb);
	if (!err) {
		err = tnb_transaction_repair(tnb);
		if (!err)
			err = end_rules(tnb, flags);
		/* Also processes that left a rule before it ended. */
		if (!err)
			(void)!tnb_converge_all(tnb, NULL);
		tnb_close(&tnb);
	} else {
		err = check_unopened(err, flags);
	}
	if (err)
		return err;
	drain_deadlines();
	tnb_step();
	err = tnb_pins_remove();
	if (!err)
		err = tnb_pins_sweep();
	if (!err)
		tnb_probes_sweep();
	return err;
}
