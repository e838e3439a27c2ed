/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the replacement vDSO knows of the process that it is mapped into.
 *
 * Three pages, in this order, wherever there is room:
 *   clock page   the rule's, shared, read-only (abi/clock_page.h)
 *   link page    this struct, private, read and execute
 *   image        loader/vdso/, private, read and execute
 * The image finds the other two relative to its own instructions.
 */
#ifndef TIMENSBPF_ABI_VDSO_LINK_H
#define TIMENSBPF_ABI_VDSO_LINK_H

#include <timensbpf/abi/clock_page.h>

#define TNB_VDSO_PAGES 3u
#define TNB_VDSO_LINK_MAGIC 0x746e626cu /* "tnbl" */

struct tnb_vdso_link {
	__u32 magic;
	__u32 slot; /* of the clock page, for those who look from outside */
	__u64 pass; /* that the clock page must show (P5) */
	__u64 vvar; /* the kernel's data pages */
	__u64 vdso; /* the kernel's vDSO */
	/* Functions of the kernel's vDSO, by address. 0: it has none. */
	__u64 clock_getres;
	__u64 getcpu;
	__u64 getrandom;
};

#endif
