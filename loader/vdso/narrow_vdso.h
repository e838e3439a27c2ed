/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's vDSO of 32-bit programs, as a 64-bit process gets to see it. */
#ifndef TIMENSBPF_LOADER_VDSO_NARROW_VDSO_H
#define TIMENSBPF_LOADER_VDSO_NARROW_VDSO_H

#include "kernel_vdso.h"

struct tnb_narrow_vdso {
	struct tnb_vdso_maps maps; /* of a process that had it */
	uint8_t bytes[TNB_VDSO_SIZE_MAX];
};

/* NULL: the kernel runs no 32-bit programs, or does not show it. To be freed by
 * tnb_narrow_vdso_free(). */
struct tnb_narrow_vdso *tnb_narrow_vdso_read(void);
void tnb_narrow_vdso_free(struct tnb_narrow_vdso *vdso);

#endif
