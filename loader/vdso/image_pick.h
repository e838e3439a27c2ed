/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the library's images fits the kernel that runs. */
#ifndef TIMENSBPF_LOADER_VDSO_IMAGE_PICK_H
#define TIMENSBPF_LOADER_VDSO_IMAGE_PICK_H

#include "kernel_vdso.h"

/*
 * Look at the vDSO of this process, which is that of every 64-bit process, and
 * at that of 32-bit ones, and pick the images. Without the second one, 32-bit
 * programs are left as they are. 0, or -errno with a message: -ENOENT (no
 * vDSO), -EOPNOTSUPP (no room for a jump at its entries).
 */
TNB_MUST_CHECK int tnb_vdso_probe(struct tnb_vdsos *vdsos);

#endif
