/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching loaded programs. */
#ifndef TIMENSBPF_LOADER_KERNEL_ATTACH_H
#define TIMENSBPF_LOADER_KERNEL_ATTACH_H

#include "objects.h"

/*
 * Attach what the plan wants and pin the links below timensbpf-new. With
 * `replace`, what an upgrade keeps is pinned there from the loaded set.
 */
TNB_MUST_CHECK int tnb_attach_all(const struct tnb_objects *objects,
				  const struct tnb_plan *plan, bool replace);

/*
 * Let the stubs call the workers of `objects`: the moment of an upgrade, for
 * each door an atomic one. Cannot be undone by abandoning timensbpf-new.
 */
TNB_MUST_CHECK int tnb_attach_workers(const struct tnb_objects *objects,
				      const struct tnb_plan *plan);

#endif
