/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of a vDSO image in memory. The bytes are not trusted: nothing
 * beyond `size` is read, and no table is walked further than it can be long.
 */
#ifndef TIMENSBPF_LOADER_VDSO_ELF_IMAGE_H
#define TIMENSBPF_LOADER_VDSO_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tnb_elf_image {
	const uint8_t *bytes; /* lent by the caller */
	size_t size;
	bool narrow;	/* of 32-bit programs */
	uint64_t entry; /* as the header has it */
	/* Offsets into `bytes`, and lengths, all within `size`. */
	uint64_t symbols, symbol_count;
	uint64_t names, names_size;
	/* Where the file's contents end: of what is loaded, and of all that the
	 * headers name. */
	uint64_t loaded_end, file_end;
};

/* 0, or -EINVAL: not a shared object of this architecture, for 64-bit or 32-bit
 * programs, with one segment that begins at 0, and dynamic symbols. */
int tnb_elf_image_open(struct tnb_elf_image *elf, const void *bytes,
		       size_t size);

struct tnb_elf_function {
	uint32_t offset, size;
};

/* The name of symbol `index`, below symbol_count. NULL: no function that has a
 * name and lies within the image. */
const char *tnb_elf_image_name(const struct tnb_elf_image *elf, uint64_t index,
			       struct tnb_elf_function *function);

/* 0, or -ENOENT. The function lies within the image. */
int tnb_elf_image_function(const struct tnb_elf_image *elf, const char *name,
			   uint32_t *offset, uint32_t *size);

#endif
