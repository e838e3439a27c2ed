/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's vDSO exports, and what the image does: the image has the
 * functions of all kernels, a process is to find those of its own.
 */
#ifndef TIMENSBPF_LOADER_VDSO_EXPORTS_H
#define TIMENSBPF_LOADER_VDSO_EXPORTS_H

#include "elf_image.h"

#include <stddef.h>

/* Hide the functions in `image`, a whole 64-bit image that can be written to,
 * whose names `kernels` does not have. 0, or -EINVAL: not an image. */
int tnb_exports_hide(void *image, size_t size,
		     const struct tnb_elf_image *kernels);

/* The names of functions in `kernels` that `image` does not have, with spaces
 * between them; "..." at the end: there are more. "": none. */
void tnb_exports_unknown(const struct tnb_elf_image *kernels,
			 const struct tnb_elf_image *image, char *names,
			 size_t size);

#endif
