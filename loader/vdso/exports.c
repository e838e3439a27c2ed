/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exports.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool has(const struct tnb_elf_image *elf, const char *name)
{
	uint32_t offset, size;

	return !tnb_elf_image_function(elf, name, &offset, &size);
}

/*
 * Made the same as symbol 0, which is in every table and which no lookup takes
 * for a function: the name is "", so that a comparison of names fails;
 * undefined, local and without a type, which Go's runtime, musl and the parsers
 * after the kernel's parse_vdso.c skip before they compare; and its value is 0,
 * which is what glibc skips. Its place in the hash chains stays: those
 * go by the index, and the next one in the chain has to be reached.
 */
static void hide(void *image, const struct tnb_elf_image *elf, uint64_t index)
{
	memset((uint8_t *)image + elf->symbols + index * sizeof(Elf64_Sym), 0,
	       sizeof(Elf64_Sym));
}

int tnb_exports_hide(void *image, size_t size,
		     const struct tnb_elf_image *kernels)
{
	struct tnb_elf_function function;
	struct tnb_elf_image elf;
	int r = tnb_elf_image_open(&elf, image, size);

	if (r)
		return r;
	for (uint64_t i = 0; i < elf.symbol_count; i++) {
		const char *name = tnb_elf_image_name(&elf, i, &function);

		if (name && !has(kernels, name))
			hide(image, &elf, i);
	}
	return 0;
}

/* False: no room for it. */
static bool append(char *names, size_t size, const char *name)
{
	static const char more[] = " ...";
	size_t used = strlen(names);

	if (used + 1 + strlen(name) + sizeof(more) <= size) {
		snprintf(names + used, size - used, "%s%s", used ? " " : "",
			 name);
		return true;
	}
	if (used + sizeof(more) <= size)
		memcpy(names + used, more, sizeof(more));
	return false;
}

void tnb_exports_unknown(const struct tnb_elf_image *kernels,
			 const struct tnb_elf_image *image, char *names,
			 size_t size)
{
	struct tnb_elf_function function;

	*names = '\0';
	for (uint64_t i = 0; i < kernels->symbol_count; i++) {
		const char *name = tnb_elf_image_name(kernels, i, &function);

		if (name && !has(image, name) && !append(names, size, name))
			break;
	}
}
