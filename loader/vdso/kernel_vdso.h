/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's vDSO and the image that takes its place: all that an injector
 * needs to know of them.
 */
#ifndef TIMENSBPF_LOADER_VDSO_KERNEL_VDSO_H
#define TIMENSBPF_LOADER_VDSO_KERNEL_VDSO_H

#include "elf_image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <abi/vdso_link.h>

#define TNB_VDSO_JUMPS 3u

struct tnb_vdso {
	uint8_t image[TNB_PAGE_SIZE]; /* shows what the kernel's shows */
	const char *layout;	      /* a name of layouts.h, or "raw" */
	char why_raw[128]; /* "" unless layout is "raw": what did not fit */
	char unknown[128]; /* the kernel's functions that the image lacks */

	/* The kernel's vDSO, as it is mapped. */
	uint32_t size;
	uint32_t vvar_below; /* from the first page of its data to it */
	struct tnb_elf_function clock_gettime, gettimeofday, time;
	struct tnb_elf_function forward[TNB_FORWARDS]; /* offset 0: none */

	/* Zeros that nothing uses at run time, the longest run that there is;
	 * if that is short, the table of sections (for debuggers) as well. */
	uint32_t room, room_size;
	uint32_t syscall_insn; /* a `syscall`, 0: none */

	/* Entries of the image, in the order of the jumps. */
	uint32_t entry[TNB_VDSO_JUMPS];
	uint32_t image_code;		      /* it is code from here on */
	uint32_t image_forward[TNB_FORWARDS]; /* of it, 0: none */
	/* Whether something in the functions may jump to what the jumps, or
	 * those back, replace. */
	bool loops, image_loops;
	/* What the kernel has where the jumps go. */
	uint8_t original[TNB_VDSO_JUMPS][16];
};

/*
 * Look at the vDSO of this process, which is that of every process. 0, or
 * -errno with a message: -ENOENT (no vDSO), -EOPNOTSUPP (no room for a jump at
 * its entries).
 */
int tnb_vdso_probe(struct tnb_vdso *vdso);

/* The link page of a process whose vDSO is at `vdso_address`. */
void tnb_vdso_link(const struct tnb_vdso *vdso, uint64_t vdso_address,
		   uint32_t slot, uint64_t pass, struct tnb_vdso_link *link);

/* Bytes to write at an entry of the kernel's vDSO so that callers land in the
 * image. The jump changes no register and reaches any address. */
struct tnb_vdso_jump {
	uint32_t offset;
	uint8_t code[16];
	uint8_t length;
};

/* For an image at `image_address`. Returns how many there are. */
size_t tnb_vdso_jumps(const struct tnb_vdso *vdso, uint64_t image_address,
		      struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS]);

/* What takes them back. */
size_t tnb_vdso_originals(const struct tnb_vdso *vdso,
			  struct tnb_vdso_jump originals[TNB_VDSO_JUMPS]);
/* And for the image of a process that is to read the host's time: to the
 * kernel's functions, in a vDSO at `vdso_address` without jumps. Offsets are in
 * the image. */
size_t tnb_vdso_jumps_back(const struct tnb_vdso *vdso, uint64_t vdso_address,
			   struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS]);

/*
 * Whether who stands at `offset` of the kernel's vDSO, and is not about to run
 * the first instruction of a function, may come to run bytes that the jumps
 * replace; or runs in the room.
 */
bool tnb_vdso_is_patched(const struct tnb_vdso *vdso, uint64_t offset);
/* The same of the image, and of tnb_vdso_jumps_back(). */
bool tnb_vdso_image_is_patched(const struct tnb_vdso *vdso, uint64_t offset);
/* Whether a page holds this image, with jumps back or without: not that of
 * another version or layout. */
bool tnb_vdso_image_is_same(const struct tnb_vdso *vdso, const uint8_t *image);
/* Whether who stands at `offset` of an image, this one or another, may be in
 * the middle of reading a clock page by it. */
bool tnb_vdso_image_is_reader(const struct tnb_vdso *vdso, const uint8_t *image,
			      uint64_t offset);

#endif
