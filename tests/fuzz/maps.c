/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/maps.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct tnb_vdso_maps maps;

	if (tnb_vdso_maps_parse((const char *)bytes, size, &maps))
		return 0;
	if (maps.vdso >= maps.vdso_end)
		abort();
	return 0;
}
