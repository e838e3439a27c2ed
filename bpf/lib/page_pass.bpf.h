/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Revoking the pass of a page (invariant P5 of page.h): its readers then make
 * system calls, where the cgroup of the caller decides. */
#ifndef TIMENSBPF_BPF_LIB_PAGE_PASS_BPF_H
#define TIMENSBPF_BPF_LIB_PAGE_PASS_BPF_H

#include "maps.bpf.h"
#include "order.bpf.h"

#define TNB_PASS_REVOKED (1ULL << 32)

/*
 * Under lockdown, where no program may write user memory, a system call has the
 * host's time, in each cgroup. Then a pass is not revoked: the process that
 * moved has the time of its old rule until the loader has changed it, and all
 * others keep theirs.
 */
const volatile bool calls_are_hosts __weak = false;

static __always_inline void pass_revoke(struct tnb_clock_page *page)
{
	if (calls_are_hosts)
		return;
	/* In this order: see begin_pass() of page_writer.bpf.c. */
	order_add(&page->revocations, 1);
	order_add(&page->pass, TNB_PASS_REVOKED);
}

static __always_inline void pass_revoke_slot(__u32 slot)
{
	struct tnb_clock_page *page = clock_page_of(slot);

	if (page)
		pass_revoke(page);
}

#endif
