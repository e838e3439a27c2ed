/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "programs.h"

#include "attach.h"
#include "objects.h"
#include "pins.h"

#include "base/test_hooks.h"
#include "base/error.h"

#include <stdio.h>
#include <abi/page.h>

static int pin_loaded(const struct tnb_plan *plan)
{
	struct tnb_loaded loaded = {
		.page_abi = TNB_PAGE_ABI,
		.attach = plan->read,
		.preemption = plan->preemption,
		.lsm = plan->lsm,
	};

	snprintf(loaded.version, sizeof(loaded.version), "%s", tnb_version());
	return tnb_pins_add_loaded(&loaded);
}

static int pin_and_attach(const struct tnb_objects *objects,
			  const struct tnb_plan *plan, bool replace)
{
	int err = tnb_objects_pin(objects);

	if (!err)
		err = pin_loaded(plan);
	tnb_step();
	if (!err)
		err = tnb_attach_all(objects, plan, replace);
	/* Last, because an abandoned upgrade could not undo it. */
	return err ? err : tnb_attach_workers(objects, plan);
}

int tnb_programs_install(const struct tnb_plan *plan, bool replace)
{
	struct tnb_objects objects;
	int err = tnb_objects_load(&objects, plan, replace);

	if (!err)
		err = pin_and_attach(&objects, plan, replace);
	tnb_objects_close(&objects);
	return err;
}
