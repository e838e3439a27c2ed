/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which row of layouts.h the running kernel's data have. */
#ifndef TIMENSBPF_LOADER_VDSO_LAYOUT_H
#define TIMENSBPF_LOADER_VDSO_LAYOUT_H

#include <abi/tables/layouts.h>

#include <stddef.h>
#include <stdint.h>

struct btf;

enum tnb_vdso_layout_id {
#define TNB_LAYOUT_ID(name) TNB_LAYOUT_##name,
	TNB_VVAR_LAYOUTS(TNB_LAYOUT_ID)
#undef TNB_LAYOUT_ID
		TNB_LAYOUT_raw, /* none */
	TNB_LAYOUTS,
};

extern const char *const tnb_vdso_layout_name[TNB_LAYOUTS];
extern const struct tnb_vvar_layout tnb_vvar_layouts[TNB_LAYOUT_raw];

/*
 * The row that the structures of `btf` (NULL: there is none) fit to the byte,
 * if the vDSO is as far behind its data as that row says. Else TNB_LAYOUT_raw,
 * and `why` says what does not fit.
 */
enum tnb_vdso_layout_id tnb_vdso_layout_find(const struct btf *btf,
					     uint32_t vvar_below, char *why,
					     size_t size);

#endif
