/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs of door B: those of each way to attach. */
#ifndef TIMENSBPF_LOADER_KERNEL_DEADLINE_PROGRAMS_H
#define TIMENSBPF_LOADER_KERNEL_DEADLINE_PROGRAMS_H

#include "programs.h"

#include <bpf/libbpf.h>

/* Does the plan want the program `name`, if it is one of door B? True for all
 * others. */
bool tnb_deadline_is_wanted(const char *name, const struct tnb_kernel *kernel,
			    const struct tnb_plan *plan);

/* Is `name` attached by tnb_deadlines_attach()? */
bool tnb_deadline_is_ours(const char *name);

/* Attach and pin. `session`: NULL unless the plan attaches by session. */
TNB_MUST_CHECK int tnb_deadlines_attach(struct bpf_object *main,
					struct bpf_object *session,
					const struct tnb_kernel *kernel,
					const struct tnb_plan *plan);

#endif
