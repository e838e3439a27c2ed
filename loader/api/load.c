/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/bpf_map.h"
#include "kernel/probe_events.h"
#include "base/log.h"
#include "kernel/pins.h"
#include "kernel/programs.h"
#include "rules/transaction.h"
#include "report/requirements.h"
#include "rules/rule.h"
#include "process/converge.h"
#include "rules/slots.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>
#include <abi/page.h>

/* ---- Loading ------------------------------------------------------------- */

static int publish(int err)
{
	if (!err) {
		tnb_step();
		err = tnb_pins_publish();
	}
	if (err)
		tnb_pins_abandon();
	return err;
}

static int load_fresh(const struct tnb_plan *plan)
{
	int err = tnb_pins_stage();

	/* Events of a predecessor that was killed. */
	tnb_probes_sweep();
	if (!err)
		err = tnb_programs_install(plan, false);
	err = publish(err);
	if (err)
		tnb_probes_sweep();
	return err ? err : TNB_LOAD_FRESH;
}

static int no_rule(struct tnb *tnb, uint64_t cgroup, __u32 slot, void *context)
{
	(void)tnb;
	(void)cgroup;
	(void)slot;
	(void)context;
	return -EBUSY;
}

static int has_no_rules(void)
{
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (!err)
		err = tnb_slots_for_each(tnb, no_rule, NULL);
	tnb_close(&tnb);
	return err;
}

/* Doors of another kind cannot take over in one step: not under rules. */
static int load_other_doors(const struct tnb_plan *plan,
			    const struct tnb_loaded *loaded)
{
	int err = has_no_rules();

	if (err)
		return tnb_fail(
			-EBUSY,
			"clock reads are attached by %s, this kernel (preemption %s) wants %s: end all rules or run 'timensbpf unload', then load again",
			tnb_attach_name((enum tnb_read_attach)loaded->attach),
			tnb_preemption_name(plan->preemption),
			tnb_attach_name(plan->read));
	err = tnb_pins_remove();
	if (err)
		return err;
	err = load_fresh(plan);
	return err < 0 ? err : TNB_LOAD_REPLACED;
}

static int replace(const struct tnb_plan *plan, const struct tnb_loaded *loaded)
{
	int err;

	if (loaded->page_abi != TNB_PAGE_ABI)
		return tnb_fail(
			-EEXIST,
			"version %s is loaded and keeps its rules in another form: run 'timensbpf unload' of that version first",
			loaded->version);
	if (loaded->attach != plan->read)
		return load_other_doors(plan, loaded);
	err = tnb_pins_stage();
	if (!err)
		err = tnb_programs_install(plan, true);
	err = publish(err);
	return err ? err : TNB_LOAD_REPLACED;
}

static int load_locked(const struct tnb_plan *plan)
{
	struct tnb_loaded loaded;
	int err = tnb_pins_sweep();

	if (err)
		return err;
	err = tnb_pins_loaded(&loaded);
	if (err == -ENOENT)
		return load_fresh(plan);
	if (err)
		return err;
	if (!strcmp(loaded.version, tnb_version()) &&
	    loaded.attach == plan->read)
		return TNB_LOAD_CURRENT;
	return replace(plan, &loaded);
}

int tnb_load(enum tnb_read_attach attach)
{
	_cleanup_close_
	int lock = -1;
	struct tnb_kernel kernel;
	struct tnb_plan plan;
	int err;

	tnb_log_init();
	tnb_kernel_probe(&kernel);
	err = tnb_requirements_check(&kernel);
	if (!err)
		err = tnb_plan_choose(&kernel, attach, &plan);
	if (err)
		return err;
	lock = tnb_pins_lock();
	return lock < 0 ? lock : load_locked(&plan);
}

int tnb_load_if_absent(void)
{
	struct tnb_loaded loaded;
	int err = tnb_pins_loaded(&loaded);

	if (err == -ENOENT)
		err = tnb_load(TNB_ATTACH_AUTO);
	return err < 0 ? err : 0;
}

int tnb_load_or_adopt(void)
{
	struct tnb_loaded loaded;
	int err = tnb_pins_loaded(&loaded);

	if (err == -ENOENT)
		return tnb_load(TNB_ATTACH_AUTO);
	if (err)
		return err;
	if (loaded.page_abi == TNB_PAGE_ABI &&
	    !strcmp(loaded.version, tnb_version()))
		return TNB_LOAD_CURRENT;
	return tnb_load((enum tnb_read_attach)loaded.attach);
}

/* ---- Unloading ----------------------------------------------------------- */

#define DRAIN_TRIES 100
#define DRAIN_PAUSE_NS 10000000L

/*
 * With the rules ended no deadline is translated any more. Those that just are
 * have their memory put back by programs that must not go before them. A
 * thread that keeps its record for longer has missed its way out: its memory
 * is back (bpf/wait/deadline_restore.bpf.c), and nobody waits for it.
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

	/* A longer path first: children end before their parents. */
	return (strlen(left) < strlen(right)) - (strlen(left) > strlen(right));
}

/*
 * Asked for all before one is ended, so that a refusal changes nothing. With
 * the rules ended, each at one instant, detaching is seen by nobody.
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
	for (int i = 0; !err && i < count; i++) {
		err = tnb_rule_unset_unlocked(tnb, rules[i].path, TNB_FORCE);
		/* Removed meanwhile: ended already. */
		if (err == -EINVAL || err == -ENODEV || err == -ENOENT)
			err = 0;
	}
	tnb_rules_free(&rules, (size_t)count);
	return err;
}

/*
 * An incomplete set cannot be opened, but has to go all the same. Without its
 * rules' end who runs fast would keep virtual time: so not for want of files or
 * memory, nor one with pages of another form.
 */
static int check_unopened(int err, unsigned int flags)
{
	char reason[512];
	struct tnb_loaded loaded;

	if (flags & TNB_FORCE)
		return 0;
	if (err == -EPERM || err == -EACCES)
		return err;
	if (err != -EEXIST && err != -ENOENT) {
		snprintf(reason, sizeof(reason), "%s", tnb_error_message());
		return tnb_fail(
			err,
			"%s; with --force the programs go, and what runs fast in a rule keeps its time",
			reason);
	}
	if (tnb_pins_loaded(&loaded) || loaded.page_abi == TNB_PAGE_ABI)
		return 0;
	return tnb_fail(
		-EEXIST,
		"version %s is loaded and keeps its rules in another form: unload it with that version; with --force, what runs fast in a rule keeps its time",
		loaded.version);
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
		/* Also those who left a rule before it ended. */
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
