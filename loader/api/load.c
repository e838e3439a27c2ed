/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/test_hooks.h"
#include "kernel/probe_events.h"
#include "kernel/pins.h"
#include "kernel/programs.h"
#include "report/requirements.h"
#include "rules/channel.h"
#include "rules/slots.h"

#include <errno.h>
#include <abi/latch.h>
#include <abi/page.h>

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

	/* Events that a killed predecessor left. */
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

/* Programs that are attached in another way cannot take over in one step: only
 * without rules. */
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

/* The programs' counters begin anew, so what the loader has done of what they
 * count does, too. A call that is under way meanwhile may count as lost. */
static void begin_counting(void)
{
	struct tnb_loader_state *state = NULL;

	if (tnb_channel_map(&state))
		return;
	for (int i = 0; i < TNB_CALL_OUTCOME_MAX; i++)
		tnb_store_release(state->call[i], 0);
	for (int i = 0; i < TNB_CALL_TASK_MAX; i++)
		tnb_store_release(state->again[i], 0);
	tnb_channel_unmap(&state);
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
	if (err)
		return err;
	begin_counting();
	return TNB_LOAD_REPLACED;
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
	/* What was loaded before lockdown came into force does more than what
	 * could be loaded now. */
	if (!strcmp(loaded.version, tnb_version()) &&
	    (loaded.attach == plan->read || plan->read == TNB_ATTACH_NONE))
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
