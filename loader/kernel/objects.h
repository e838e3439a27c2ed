/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BPF objects: opening, selecting by the plan, loading. */
#ifndef TIMENSBPF_LOADER_KERNEL_OBJECTS_H
#define TIMENSBPF_LOADER_KERNEL_OBJECTS_H

#include "plan.h"

#include <bpf/libbpf.h>

struct timensbpf_bpf;
struct session_bpf;
struct session_ctx_bpf;

struct tnb_objects {
	struct timensbpf_bpf *main;
	/* One of two builds of the same source, NULL unless the plan wants it.
	 * The names of their programs and maps are the same. */
	struct session_bpf *session;
	struct session_ctx_bpf *session_ctx;
	/* Both, or only the first. */
	struct bpf_object *all[2];
	size_t count;
};

/*
 * Load what the plan wants. With `replace`, maps that an upgrade keeps are
 * those of the loaded set, and programs that it keeps are left out.
 * *objects is to be closed after failures, too.
 */
TNB_MUST_CHECK int tnb_objects_load(struct tnb_objects *objects,
				    const struct tnb_plan *plan, bool replace);
void tnb_objects_close(struct tnb_objects *objects);

/* Of a row that was loaded. */
struct bpf_program *tnb_objects_program(const struct tnb_objects *objects,
					const char *name);
int tnb_objects_map_fd(const struct tnb_objects *objects, const char *name);

/* Pin the loaded programs and maps below timensbpf-new. */
TNB_MUST_CHECK int tnb_objects_pin(const struct tnb_objects *objects);

#endif
