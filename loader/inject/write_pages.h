/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written into a stopped process: the pages of abi/vdso_link.h, and the
 * jumps to them. Each write by itself leaves a process that is right. */
#ifndef TIMENSBPF_LOADER_INJECT_WRITE_PAGES_H
#define TIMENSBPF_LOADER_INJECT_WRITE_PAGES_H

#include "tracee.h"

#include "vdso/kernel_vdso.h"

/* No pass is this number: the page is never read. */
#define TNB_NO_PASS (~0ULL)

struct tnb_writing {
	const struct tnb_vdso *vdso;
	__u64 at;      /* the kernel's vDSO in the process */
	__u64 pages;   /* the first of the three */
	__u32 slot;    /* of the clock page there; 0: the host's time */
	bool no_calls; /* P6 of abi/page.h */
};

/* Whether that vDSO of the kernel is at that address: a kernel gives the same
 * one to all processes of its kind. 0, -ENOEXEC or as tnb_tracee_read(). */
TNB_MUST_CHECK int tnb_write_check(const struct tnb_tracee *tracee,
				   const struct tnb_vdso *vdso, __u64 at);

/* The image and its link page, without a pass and a slot: if we die now, these
 * tell that not all doors lead to the image. */
TNB_MUST_CHECK int tnb_write_pages(const struct tnb_tracee *tracee,
				   const struct tnb_writing *fill);
/* All doors lead to them now. */
TNB_MUST_CHECK int tnb_write_slot(const struct tnb_tracee *tracee,
				  const struct tnb_writing *fill);
TNB_MUST_CHECK int tnb_write_pass(const struct tnb_tracee *tracee, __u64 pages,
				  __u64 pass);
/* From the kernel's vDSO to the image. */
TNB_MUST_CHECK int tnb_write_jumps(const struct tnb_tracee *tracee,
				   const struct tnb_writing *fill);
/* The kernel's vDSO as it was, and jumps from the image to it. */
TNB_MUST_CHECK int tnb_write_jumps_back(const struct tnb_tracee *tracee,
					const struct tnb_writing *fill);

#endif
