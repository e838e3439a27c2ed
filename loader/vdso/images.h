/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images that the library carries. */
#ifndef TIMENSBPF_LOADER_VDSO_IMAGES_H
#define TIMENSBPF_LOADER_VDSO_IMAGES_H

#include "layout.h"

#include <stdbool.h>

/* TNB_PAGE_SIZE bytes, on a page of their own, with all functions that any
 * kernel has; `narrow`: for 32-bit programs. */
const void *tnb_vdso_image(enum tnb_vdso_layout_id layout, bool narrow);

#endif
