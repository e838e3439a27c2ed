/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Installing a set of programs. */
#ifndef TIMENSBPF_LOADER_KERNEL_PROGRAMS_H
#define TIMENSBPF_LOADER_KERNEL_PROGRAMS_H

#include "plan.h"

/*
 * Load and attach everything of `plan` and pin it below timensbpf-new, which
 * the caller has staged and publishes or abandons. With `replace`, the rules
 * and the stubs of timensbpf are taken over, and the stubs call the new workers
 * from then on.
 */
TNB_MUST_CHECK int tnb_programs_install(const struct tnb_plan *plan,
					bool replace);

#endif
