/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handle: the loaded set of programs, opened. */
#ifndef TIMENSBPF_LOADER_RULES_HANDLE_H
#define TIMENSBPF_LOADER_RULES_HANDLE_H

#include "kernel/pins.h"

#include <abi/page.h>
#include <stddef.h>

struct tnb {
	struct tnb_loaded state;
	/* Map and program descriptors. */
	int journal; /* transaction.h */
	int cgroup_slots;
	int clock_pages;
	int counters;
	int page_write;
	int page_pass;
	struct tnb_pages *pages;	 /* pages.h */
	struct tnb_loader_state *loader; /* channel.h */
	char *mount;			 /* path of cgroup v2 */
	__u32 slot_hint; /* where the search for a free slot begins */
};

#define TNB_HANDLE_FILES 6
/* What a child of the caller needs of the handle: file descriptors to keep
 * (tnb_child_keep_only()). Returns how many. */
size_t tnb_handle_files(const struct tnb *tnb, int keep[TNB_HANDLE_FILES]);

#endif
