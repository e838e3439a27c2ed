/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link page (abi/vdso_link.h) of a process, seen from outside. */
#ifndef TIMENSBPF_LOADER_LINK_PAGE_H
#define TIMENSBPF_LOADER_LINK_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <timensbpf/abi/vdso_link.h>

/* Whether the process has one. `proc`: its directory in /proc, `memory`: its
 * mem there. *at: the clock page before it. */
bool tnb_link_page_find(int proc, int memory, struct tnb_vdso_link *link,
			uint64_t *at);

#endif
