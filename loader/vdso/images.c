/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "images.h"

#include <abi/page.h>

/* images.S */
typedef const __u8 image_page[TNB_PAGE_SIZE];
#define DECLARE(name)                                                \
	__attribute__((visibility(                                   \
		"hidden"))) extern image_page tnb_vdso_image_##name, \
		tnb_vdso_image_32_##name;
TNB_VVAR_LAYOUTS(DECLARE)
DECLARE(raw)

const void *tnb_vdso_image(enum tnb_vdso_layout_id layout, bool narrow)
{
	static image_page *const images[TNB_LAYOUTS][2] = {
#define ROW(name)      \
	[TNB_LAYOUT_## \
		name] = { &tnb_vdso_image_##name, &tnb_vdso_image_32_##name },
		TNB_VVAR_LAYOUTS(ROW) ROW(raw)
#undef ROW
	};

	return images[layout][narrow];
}
