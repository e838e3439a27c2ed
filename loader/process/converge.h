/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Change running processes until each reads the time of the rule that it lives
 * in. Under the lock of the rules. Bounded in time: a process that cannot be
 * changed stays as it is, and tnb_rule_processes() lists it as such.
 */
#ifndef TIMENSBPF_LOADER_PROCESS_CONVERGE_H
#define TIMENSBPF_LOADER_PROCESS_CONVERGE_H

#include "rules/handle.h"
#include "vdso/kernel_vdso.h"

/* The processes of a cgroup and of all cgroups below. Adds to *changed, which
 * may be NULL, the number of processes that were changed. */
void tnb_converge_tree(struct tnb *tnb, int cgroup, uint32_t *changed);

/*
 * These processes, or all of the machine, including those that left a rule.
 * `vdsos`: what tnb_vdso_probe() found; NULL: it is probed. Returns 0, or a
 * negative errno: some could not be changed by now.
 */
int tnb_converge_some(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		      const pid_t *pids, size_t count);
int tnb_converge_all(struct tnb *tnb, const struct tnb_vdsos *vdsos);

#endif
