/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image_pick.h"

#include "base/test_hooks.h"
#include "base/error.h"
#include "exports.h"
#include "images.h"
#include "self_check.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void find_image_loops(struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		if (tnb_arch_may_come_back(vdso->image, vdso->image_code,
					   TNB_PAGE_SIZE, vdso->entry[i],
					   TNB_VDSO_SIZE_MAX))
			vdso->image_loops = true;
}

static void find_entries(struct tnb_vdso *vdso, const struct tnb_elf_image *elf)
{
	static const char *const names[TNB_VDSO_JUMPS] = {
		"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time"
	};
	uint32_t size;

	for (size_t i = 0; i < TNB_VDSO_JUMPS; i++)
		tnb_elf_image_function(elf, names[i], &vdso->entry[i], &size);
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		tnb_elf_image_function(elf, tnb_vdso_forward_name[i],
				       &vdso->image_forward[i], &size);
	vdso->image_code = (uint32_t)elf->entry;
	find_image_loops(vdso);
}

static void choose_image(struct tnb_vdso *vdso, enum tnb_vdso_layout_id layout,
			 const struct tnb_elf_image *kernels)
{
	struct tnb_elf_image elf;

	vdso->layout = tnb_vdso_layout_name[layout];
	memcpy(vdso->image, tnb_vdso_image(layout), TNB_PAGE_SIZE);
	/* Our own bytes: the build has seen to them. */
	if (tnb_elf_image_open(&elf, vdso->image, TNB_PAGE_SIZE))
		return;
	find_entries(vdso, &elf);
	tnb_exports_unknown(kernels, &elf, vdso->unknown,
			    sizeof(vdso->unknown));
	tnb_exports_hide(vdso->image, TNB_PAGE_SIZE, kernels);
}

/* Tests name another kernel's layout, to see it found out. */
static bool is_forced(enum tnb_vdso_layout_id *layout)
{
	const char *name = tnb_test_value("TIMENSBPF_TEST_LAYOUT");

	for (int i = 0; name && i <= TNB_LAYOUT_raw; i++) {
		*layout = (enum tnb_vdso_layout_id)i;
		if (!strcmp(name, tnb_vdso_layout_name[i]))
			return true;
	}
	return false;
}

static enum tnb_vdso_layout_id layout_by_btf(struct tnb_vdso *vdso)
{
	struct btf *btf = btf__load_vmlinux_btf();
	enum tnb_vdso_layout_id layout = tnb_vdso_layout_find(
		btf, vdso->vvar_below, vdso->why_raw, sizeof(vdso->why_raw));

	btf__free(btf);
	return layout;
}

static enum tnb_vdso_layout_id find_layout(struct tnb_vdso *vdso)
{
	enum tnb_vdso_layout_id layout;
	const char *lacks;

	if (!is_forced(&layout))
		layout = layout_by_btf(vdso);
	else if (layout == TNB_LAYOUT_raw)
		snprintf(vdso->why_raw, sizeof(vdso->why_raw),
			 "a test asked for it");
	lacks = tnb_arch_image_lacks();
	if (layout == TNB_LAYOUT_raw || !lacks)
		return layout;
	snprintf(vdso->why_raw, sizeof(vdso->why_raw), "%s", lacks);
	return TNB_LAYOUT_raw;
}

int tnb_vdso_probe(struct tnb_vdso *vdso)
{
	struct tnb_vdso found = { 0 };
	struct tnb_vdso_maps maps;
	struct tnb_elf_image kernels;
	int r = tnb_vdso_maps_read(0, &maps);

	if (r)
		return tnb_fail(r, "no vDSO of the kernel: %s", strerror(-r));
	r = tnb_kernel_vdso_look(&found, &maps, &kernels);
	if (r)
		return r;
	choose_image(&found, find_layout(&found), &kernels);
	if (!found.why_raw[0] &&
	    tnb_vdso_self_check(&found, maps.vdso, found.why_raw,
				sizeof(found.why_raw)))
		choose_image(&found, TNB_LAYOUT_raw, &kernels);
	*vdso = found;
	return 0;
}
