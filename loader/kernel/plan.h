/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rows of the catalogue this kernel gets. */
#ifndef TIMENSBPF_LOADER_KERNEL_PLAN_H
#define TIMENSBPF_LOADER_KERNEL_PLAN_H

#include "catalogue.h"
#include "probe.h"

#include <stddef.h>
#include <timensbpf/timensbpf.h>

struct tnb_plan {
	enum tnb_read_attach read; /* never AUTO; NONE under lockdown */
	bool lsm;		   /* BPF LSM, or fmod_ret in its place */
	bool session_takes_ctx;
	enum tnb_preemption preemption;
	bool door[TNB_DOOR_MAX]; /* function exists */
	bool copy[TNB_COPY_MAX]; /* function exists */
	/* Programs of each time door, 0: this kernel does not take them. */
	unsigned int time_copies[TNB_TIME_DOOR_MAX];
};

/* Choose for this kernel. -EOPNOTSUPP if the kernel lacks `attach`. */
TNB_MUST_CHECK int tnb_plan_choose(const struct tnb_kernel *kernel,
				   enum tnb_read_attach attach,
				   struct tnb_plan *plan);

bool tnb_plan_wants(const struct tnb_plan *plan,
		    const struct tnb_condition *condition);
bool tnb_plan_wants_program(const struct tnb_plan *plan,
			    const struct tnb_program *row);

/* A kernel function to which a program is attached. */
struct tnb_point {
	const char *name; /* of its links: PROGRAM_NAME */
	const char *function;
	__u64 cookie; /* row of the table */
};
#define TNB_POINTS_MAX \
	((int)TNB_DOOR_MAX > (int)TNB_COPY_MAX ? TNB_DOOR_MAX : TNB_COPY_MAX)

/* Fill `points` with the functions of `at` that this kernel has, none for
 * TNB_AT_HOOK. Returns their number. */
size_t tnb_plan_points(const struct tnb_plan *plan, enum tnb_at at,
		       struct tnb_point points[TNB_POINTS_MAX]);

const char *tnb_attach_name(enum tnb_read_attach attach);

#endif
