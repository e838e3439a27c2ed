/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/vdso/elf_image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is found must lie within, or the injector writes somewhere else. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const names[] = { "__vdso_time", "time", "" };
	struct tnb_elf_image elf;
	struct tnb_elf_function function;
	uint32_t offset, length;

	if (tnb_elf_image_open(&elf, bytes, size))
		return 0;
	if (elf.loaded_end > size || elf.file_end > size)
		abort();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!tnb_elf_image_function(&elf, names[i], &offset, &length) &&
		    (uint64_t)offset + length > elf.loaded_end)
			abort();
	for (uint64_t i = 0; i < elf.symbol_count; i++) {
		const char *name = tnb_elf_image_name(&elf, i, &function);

		if (!name)
			continue;
		if ((const uint8_t *)name + strlen(name) >= bytes + size ||
		    (uint64_t)function.offset + function.size > elf.loaded_end)
			abort();
	}
	return 0;
}
