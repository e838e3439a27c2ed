/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the replacement vDSO knows of the process that it is mapped into.
 *
 * Three pages, in this order, wherever there is room:
 *   clock page   the rule's, shared, read-only (abi/page.h)
 *   link page    this struct, private, read and execute
 *   image        loader/payload/, private, read and execute
 * The image finds the other two relative to its own instructions.
 */
#ifndef TIMENSBPF_ABI_VDSO_LINK_H
#define TIMENSBPF_ABI_VDSO_LINK_H

#include <abi/page.h>

#define TNB_VDSO_PAGES 3u
#define TNB_VDSO_LINK_MAGIC 0x746e626cu /* "tnbl" */
#define TNB_VDSO_LINK_FORWARD 40	/* where `forward` is: for assembly */

/*
 * X(name, twin): every function __vdso_NAME of the 64-bit vDSO that kernels
 * export and that tells no time. The image passes calls on to the kernel's own.
 * TWIN: it goes by its bare name as well, ALONE: it does not.
 */
#define TNB_VDSO_FORWARDS(X)                     \
	X(clock_getres, TWIN)                    \
	X(getcpu, TWIN)                          \
	X(getrandom, TWIN)                       \
	X(sgx_enter_enclave, ALONE)              \
	X(futex_robust_list64_try_unlock, ALONE) \
	X(futex_robust_list32_try_unlock, ALONE)

enum tnb_vdso_forward {
#define TNB_VDSO_FORWARD_ID(name, twin) TNB_FORWARD_##name,
	TNB_VDSO_FORWARDS(TNB_VDSO_FORWARD_ID)
#undef TNB_VDSO_FORWARD_ID
		TNB_FORWARDS,
};

struct tnb_vdso_link {
	__u32 magic;
	__u32 slot; /* of the clock page, for readers from outside */
	__u64 pass; /* that the clock page must show (P5) */
	__u64 vvar; /* the kernel's data pages; 0: the image reads none of
		     * them, and makes system calls */
	__u64 vdso; /* the kernel's vDSO */
	/* 1: a seccomp filter may refuse the system calls that the image makes.
	 * It reads the clock page without the pass (P6). */
	__u32 no_calls;
	__u32 unused;
	/* The kernel's functions, by address. 0: it has none, and the image
	 * does not show its own; it shows none to 32-bit programs. */
	__u64 forward[TNB_FORWARDS];
};

/* Far from the end of its page: new kernels bring new functions. */
_Static_assert(sizeof(struct tnb_vdso_link) <= TNB_PAGE_SIZE / 4,
	       "the link page has to have room");

#endif
