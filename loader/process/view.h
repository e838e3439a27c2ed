/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process maps, and whether that belongs to the rule it lives in. */
#ifndef TIMENSBPF_LOADER_PROCESS_VIEW_H
#define TIMENSBPF_LOADER_PROCESS_VIEW_H

#include "base/maps.h"
#include "inject/tracee.h"
#include "rules/handle.h"
#include "rules/placement.h"
#include "vdso/kernel_vdso.h"
#include "vdso/link_page.h"

struct tnb_view {
	pid_t pid;
	struct tnb_vdso_maps maps;
	bool narrow; /* a 32-bit program */
	bool has_pages;
	struct tnb_link_page page;
};

/*
 * Look at a process by the directory of a thread of it (base/proc.h). 0, -ESRCH
 * gone, -ENOENT no vDSO (it reads by system call), or that its memory cannot be
 * made out.
 */
TNB_MUST_CHECK int tnb_view_take(pid_t pid, int proc, struct tnb_view *live);

/* Whether it has pages of a rule, whichever. */
bool tnb_view_is_linked(const struct tnb_view *live);
/* Whether it maps the clock page of its rule. */
bool tnb_view_has_page_of(const struct tnb_view *live,
			  const struct tnb_placement *placement);
/* Whether that is so, and all doors lead there. */
bool tnb_view_is_in_place(const struct tnb_view *live,
			  const struct tnb_placement *placement);
/* The pass that its link page has to have: TNB_NO_PASS, or the rule's. */
__u64 tnb_view_pass_of(const struct tnb_placement *placement);

/* Whether the page is of programs that are gone (tnb_clock_page.load). */
bool tnb_view_is_foreign(const struct tnb *tnb,
			 const struct tnb_link_page *page);

/* Whether it reads the page whatever the pass (P6 of abi/page.h). */
bool tnb_view_reads_page(const struct tnb_link_page *page);
/* Whether the page is that of the rule which has its slot now. */
bool tnb_view_is_current(const struct tnb *tnb,
			 const struct tnb_link_page *page);

/* Whether the process, which is stopped, is still what was looked at. `tracee`:
 * a thread of it. 0, -EAGAIN (it is not), -ENOSPC (its vDSO is changed by
 * another tool). */
TNB_MUST_CHECK int tnb_view_check(const struct tnb_view *view,
				  const struct tnb_vdso *vdso,
				  const struct tnb_tracee *tracee, int proc);

#endif
