/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which program stands at which door of this kernel: the only place that
 * knows. Opening, loading, attaching and pinning them.
 */
#ifndef TIMENSBPF_LOADER_KERNEL_PROGRAMS_H
#define TIMENSBPF_LOADER_KERNEL_PROGRAMS_H

#include "probe.h"
#include "pins.h"

struct tnb_plan {
	enum tnb_read_attach read; /* never AUTO */
	bool lsm;		   /* BPF LSM, or fmod_ret in its place */
	/* Programs of each time door, 0: this kernel does not take them. */
	int time_copies[TNB_TIME_DOOR_MAX];
};

/* Choose for this kernel. -EOPNOTSUPP where `attach` is asked for and cannot
 * be had here. */
TNB_MUST_CHECK int tnb_programs_plan(const struct tnb_kernel *kernel,
				     enum tnb_read_attach attach,
				     struct tnb_plan *plan);

const char *tnb_attach_name(enum tnb_read_attach attach);

/*
 * Load and attach everything of `plan` and pin it below timensbpf-new, which
 * the caller has staged and publishes or abandons. With `replace`, the rules
 * and the attached door programs of timensbpf are taken over: from then on
 * they send on to the new workers.
 */
TNB_MUST_CHECK int tnb_programs_install(const struct tnb_kernel *kernel,
					const struct tnb_plan *plan,
					bool replace);

#endif
