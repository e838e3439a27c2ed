/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's vDSO and the image that takes its place: all that an injector
 * needs to know of them. image_pick.h finds it out.
 */
#ifndef TIMENSBPF_LOADER_VDSO_KERNEL_VDSO_H
#define TIMENSBPF_LOADER_VDSO_KERNEL_VDSO_H

#include "arch.h"
#include "base/maps.h"
#include "elf_image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <abi/vdso_link.h>

/* At most: 32-bit programs have clock_gettime64 in addition. */
#define TNB_VDSO_JUMPS 4u
/* Tells the kernel's vDSO from other memory: the ELF header. */
#define TNB_VDSO_HEADER 52u
#define TNB_VDSO_SIZE_MAX (64u * TNB_PAGE_SIZE)

struct tnb_vdso {
	bool narrow;		      /* of 32-bit programs */
	uint8_t image[TNB_PAGE_SIZE]; /* shows what the kernel's shows */
	const char *layout;	      /* a name of layouts.h, or "raw" */
	char why_raw[128]; /* "" unless layout is "raw": what did not fit */
	char unknown[128]; /* the kernel's functions that the image lacks */

	/* The kernel's vDSO, as it is mapped. */
	uint32_t size; /* 0: the kernel has none */
	uint8_t header[TNB_VDSO_HEADER];
	uint32_t vvar_below; /* from the first page of its data to it */
	struct tnb_elf_function clock_gettime, gettimeofday, time;
	struct tnb_elf_function clock_gettime64;       /* narrow */
	struct tnb_elf_function forward[TNB_FORWARDS]; /* offset 0: none;
							* narrow: all */

	/* Zeros that nothing uses at run time, the longest run that there is;
	 * if that is short, the table of sections (for debuggers) as well. */
	uint32_t room, room_size;

	/* Entries of the image, in the order of the jumps. */
	uint32_t entry[TNB_VDSO_JUMPS];
	uint32_t image_code;		      /* it is code from here on */
	uint32_t image_forward[TNB_FORWARDS]; /* of it, 0: none */
	/* Whether something in the functions may jump to what the jumps, or
	 * those back, replace. */
	bool loops, image_loops;
	/* What the kernel has where the jumps go. */
	uint8_t original[TNB_VDSO_JUMPS][TNB_ARCH_JUMP_MAX];
};

/* Those of 64-bit and of 32-bit programs. */
struct tnb_vdsos {
	struct tnb_vdso wide, narrow;
};

/* NULL: there is none. */
static inline const struct tnb_vdso *tnb_vdso_of(const struct tnb_vdsos *vdsos,
						 bool narrow)
{
	const struct tnb_vdso *vdso = narrow ? &vdsos->narrow : &vdsos->wide;

	return vdso->size ? vdso : NULL;
}

/*
 * Look at a vDSO, and fill in what is known of it. `bytes`: all of it, which
 * begins where `maps` says. `elf` is it, opened, and refers to them. 0, or
 * -errno with a message: -EOPNOTSUPP (no room for a jump at its entries).
 */
TNB_MUST_CHECK int tnb_kernel_vdso_look(struct tnb_vdso *vdso,
					const struct tnb_vdso_maps *maps,
					const void *bytes,
					struct tnb_elf_image *elf);

/* The names of enum tnb_vdso_forward, as a vDSO exports them. */
extern const char *const tnb_vdso_forward_name[TNB_FORWARDS];
/* How many functions have a jump. */
static inline size_t tnb_vdso_readers(const struct tnb_vdso *vdso)
{
	return vdso->narrow ? 4 : 3;
}
/* The kernel's function of jump `i`, and what it is exported as. */
const char *tnb_vdso_reader_name(size_t i);
const struct tnb_elf_function *tnb_vdso_reader(const struct tnb_vdso *vdso,
					       size_t i);

/* The link page of a process whose vDSO is at `vdso_address`, and whose seccomp
 * filters allow what the image calls. */
void tnb_vdso_link(const struct tnb_vdso *vdso, uint64_t vdso_address,
		   uint32_t slot, uint64_t pass, struct tnb_vdso_link *link);

#endif
