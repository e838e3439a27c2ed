/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The jumps between the kernel's vDSO and the image, and which threads stand in
 * what they replace. */
#ifndef TIMENSBPF_LOADER_VDSO_JUMPS_H
#define TIMENSBPF_LOADER_VDSO_JUMPS_H

#include "kernel_vdso.h"

/* ---- What is written ----------------------------------------------------- */

/* Bytes to write at an entry. */
struct tnb_vdso_jump {
	uint32_t offset;
	uint8_t code[TNB_ARCH_JUMP_MAX];
	uint8_t length;
};

/* From the kernel's vDSO to the image: callers of the entries land there.
 * Returns how many there are. */
size_t tnb_vdso_jumps(const struct tnb_vdso *vdso, uint64_t vdso_address,
		      uint64_t image_address,
		      struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS]);

/* What undoes them. */
size_t tnb_vdso_originals(const struct tnb_vdso *vdso,
			  struct tnb_vdso_jump originals[TNB_VDSO_JUMPS]);
/* For the image of a process that is to read the host's time: from the image to
 * the functions of the kernel's vDSO, which has no jumps then. Offsets are in
 * the image. */
size_t tnb_vdso_jumps_back(const struct tnb_vdso *vdso, uint64_t vdso_address,
			   uint64_t image_address,
			   struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS]);

/* ---- Where a thread stands ----------------------------------------------- */

/*
 * Whether a thread at `offset` of the kernel's vDSO, which is not about to run
 * the first instruction of a function, may come to run bytes that the jumps
 * replace; or runs in the room.
 */
bool tnb_vdso_is_patched(const struct tnb_vdso *vdso, uint64_t offset);
/* The same of the image, and of tnb_vdso_jumps_back(). */
bool tnb_vdso_image_is_patched(const struct tnb_vdso *vdso, uint64_t offset);
/* Whether a page holds this image, with jumps back or without: not that of
 * another version or layout. */
bool tnb_vdso_image_is_same(const struct tnb_vdso *vdso, const uint8_t *image);
/* Whether a thread at `offset` of an image, this one or another, may be in the
 * middle of reading a clock page by it. */
bool tnb_vdso_image_is_reader(const struct tnb_vdso *vdso, const uint8_t *image,
			      uint64_t offset);

/* Whether `offset` is within the code of an image, but for the first bytes of
 * what leads there, which all images have in the same places. */
bool tnb_vdso_image_is_code(const struct tnb_vdso *vdso, uint64_t offset);

#endif
