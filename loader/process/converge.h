/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which running processes do not read the time of the rule that they live in,
 * and having them do so. */
#ifndef TIMENSBPF_LOADER_PROCESS_CONVERGE_H
#define TIMENSBPF_LOADER_PROCESS_CONVERGE_H

#include "rules/handle.h"
#include "vdso/kernel_vdso.h"

/*
 * Of a cgroup and all below it. Tried for a bounded time: who cannot be changed
 * stays what he is, and is listed as such (tnb_rule_processes()). Under the
 * lock of the rules.
 */
void tnb_converge_tree(struct tnb *tnb, int cgroup);

/* Of these processes; `vdso` and the result as below. */
int tnb_converge_some(struct tnb *tnb, const struct tnb_vdso *vdso,
		      const pid_t *pids, size_t count);

/* Of the whole machine: also those who left a rule. `vdso`: what
 * tnb_vdso_probe() found, NULL: to be found. 0 or a negative errno: not all
 * could be changed by now. */
int tnb_converge_all(struct tnb *tnb, const struct tnb_vdso *vdso);

#endif
