/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image_pick.h"

#include "base/test_hooks.h"
#include "base/error.h"
#include "exports.h"
#include "images.h"
#include "narrow_vdso.h"
#include "self_check.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void find_image_loops(struct tnb_vdso *vdso)
{
	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		if (tnb_arch_may_come_back(vdso->narrow, vdso->image,
					   vdso->image_code, TNB_PAGE_SIZE,
					   vdso->entry[i], TNB_VDSO_SIZE_MAX))
			vdso->image_loops = true;
}

static void find_entries(struct tnb_vdso *vdso, const struct tnb_elf_image *elf)
{
	uint32_t size;

	for (size_t i = 0; i < tnb_vdso_readers(vdso); i++)
		tnb_elf_image_function(elf, tnb_vdso_reader_name(i),
				       &vdso->entry[i], &size);
	for (size_t i = 0; !vdso->narrow && i < TNB_FORWARDS; i++)
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
	memcpy(vdso->image, tnb_vdso_image(layout, vdso->narrow),
	       TNB_PAGE_SIZE);
	/* Our own bytes: the build has seen to them. */
	if (tnb_elf_image_open(&elf, vdso->image, TNB_PAGE_SIZE))
		return;
	find_entries(vdso, &elf);
	/* 32-bit programs find the kernel's own names (process/start.c). */
	if (vdso->narrow)
		return;
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

static int probe_wide(struct tnb_vdso *vdso, enum tnb_vdso_layout_id *layout)
{
	struct tnb_vdso_maps maps;
	struct tnb_elf_image kernels;
	int r = tnb_vdso_maps_read(0, &maps);

	if (r)
		return tnb_fail(r, "no vDSO of the kernel: %s", strerror(-r));
	r = tnb_kernel_vdso_look(vdso, &maps, (const void *)maps.vdso,
				 &kernels);
	if (r)
		return r;
	*layout = find_layout(vdso);
	choose_image(vdso, *layout, &kernels);
	if (!vdso->why_raw[0] &&
	    tnb_vdso_self_check(vdso, maps.vdso, vdso->why_raw,
				sizeof(vdso->why_raw))) {
		*layout = TNB_LAYOUT_raw;
		choose_image(vdso, *layout, &kernels);
	}
	return 0;
}

/* Its data are those of `wide`, and so is what was found out about them, as
 * long as they are as far away. */
static void probe_narrow(struct tnb_vdso *vdso, const struct tnb_vdso *wide,
			 enum tnb_vdso_layout_id layout)
{
	struct tnb_narrow_vdso *kernels = tnb_narrow_vdso_read();
	struct tnb_elf_image elf;

	if (!kernels ||
	    tnb_kernel_vdso_look(vdso, &kernels->maps, kernels->bytes, &elf) ||
	    !vdso->narrow || vdso->vvar_below != wide->vvar_below) {
		*vdso = (struct tnb_vdso){ 0 };
	} else {
		choose_image(vdso, layout, &elf);
		memcpy(vdso->why_raw, wide->why_raw, sizeof(vdso->why_raw));
	}
	tnb_narrow_vdso_free(kernels);
}

int tnb_vdso_probe(struct tnb_vdsos *vdsos)
{
	struct tnb_vdsos found = { 0 };
	enum tnb_vdso_layout_id layout = TNB_LAYOUT_raw;
	int r = probe_wide(&found.wide, &layout);

	if (r)
		return r;
	probe_narrow(&found.narrow, &found.wide, layout);
	*vdsos = found;
	return 0;
}
