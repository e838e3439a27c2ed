/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does an image tell the kernel's time? Tried in a child of this process. */
#ifndef TIMENSBPF_LOADER_VDSO_SELF_CHECK_H
#define TIMENSBPF_LOADER_VDSO_SELF_CHECK_H

#include "kernel_vdso.h"

#include <stddef.h>

/* 0, or -errno and `why`. */
int tnb_vdso_self_check(const struct tnb_vdso *vdso, uint64_t vdso_address,
			char *why, size_t size);

#endif
