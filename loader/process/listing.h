/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of the running processes that have to be changed (need.h). */
#ifndef TIMENSBPF_LOADER_PROCESS_LISTING_H
#define TIMENSBPF_LOADER_PROCESS_LISTING_H

#include "patcher.h"

/* All 0 but `tnb` at first; `target` is to be freed. */
struct tnb_listing {
	struct tnb *tnb;
	bool slow_too; /* also processes that read the right time, slowly */
	struct tnb_target *target;
	size_t count, space;
};

/* The processes to examine. */
struct tnb_scope {
	int (*lister)(struct tnb_listing *list, const struct tnb_scope *scope);
	int cgroup;
	const pid_t *pids;
	size_t count;
};

/* Listers. Processes that need no change have their arrival ended. */
int tnb_listing_tree(struct tnb_listing *list, const struct tnb_scope *scope);
int tnb_listing_some(struct tnb_listing *list, const struct tnb_scope *scope);
int tnb_listing_machine(struct tnb_listing *list,
			const struct tnb_scope *scope);

bool tnb_listing_contains(const struct tnb_listing *list, pid_t pid);
/* A process that is listed already is not listed twice. */
int tnb_listing_append(struct tnb_listing *list, pid_t pid, bool once);

#endif
