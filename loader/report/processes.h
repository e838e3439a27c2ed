/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a rule, and how each reads its clocks. */
#ifndef TIMENSBPF_LOADER_REPORT_PROCESSES_H
#define TIMENSBPF_LOADER_REPORT_PROCESSES_H

#include "rules/handle.h"

#include <timensbpf/timensbpf.h>

/* The processes of an open cgroup, and of those below it that have `slot`, too.
 * *processes is to be freed. Returns their number. */
TNB_MUST_CHECK int tnb_processes_list(struct tnb *tnb, int cgroup, __u32 slot,
				      struct tnb_process **processes);

/* Count the same processes in *result, whose counts are 0 before; its `changed`
 * stays. */
void tnb_processes_sum(struct tnb *tnb, int cgroup, __u32 slot,
		       struct tnb_change_result *result);

#endif
