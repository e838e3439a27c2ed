/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link page (abi/vdso_link.h) of a process, seen from outside. */
#ifndef TIMENSBPF_LOADER_VDSO_LINK_PAGE_H
#define TIMENSBPF_LOADER_VDSO_LINK_PAGE_H

#include "base/maps.h"
#include "base/peek.h"

#include <stdbool.h>
#include <stdint.h>
#include <abi/vdso_link.h>
#include <timensbpf/timensbpf.h>

struct tnb_link_page {
	uint64_t at; /* of the first of the three pages */
	/* Of the clock page, which the process cannot write. */
	uint64_t load;
	uint32_t slot, generation, no_calls;
	struct tnb_vdso_link link;
};

/* What /proc/PID/maps calls a BPF map. Tests without BPF set something else. */
extern const char *tnb_link_page_map;

/* Take one mapping after the other, in the order of /proc/PID/maps. */
struct tnb_link_page_search {
	uint64_t clock, clock_end; /* of the one before; 0: cannot be one */
	bool is_found;
	struct tnb_link_page page; /* if it is */
};

/* `mapping`: NULL where a line could not be read. `peek`: of that process. */
void tnb_link_page_take(struct tnb_link_page_search *search,
			const struct tnb_peek *peek,
			const struct tnb_mapping *mapping);

/*
 * 1: the process has one, 0: it has none, or has ended; -errno: cannot tell.
 * `proc`: its directory in /proc.
 */
TNB_MUST_CHECK int tnb_link_page_find(int proc, const struct tnb_peek *peek,
				      struct tnb_link_page *page);

#endif
