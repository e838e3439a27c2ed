/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout.h"

#include <abi/page.h>

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const tnb_vdso_layout_name[TNB_LAYOUTS] = {
#define NAME(name) [TNB_LAYOUT_##name] = #name,
	TNB_VVAR_LAYOUTS(NAME)
#undef NAME
		[TNB_LAYOUT_raw] = "raw",
};

const struct tnb_vvar_layout tnb_vvar_layouts[TNB_LAYOUT_raw] = {
#define ROW(name) [TNB_LAYOUT_##name] = TNB_VVAR_##name,
	TNB_VVAR_LAYOUTS(ROW)
#undef ROW
};

/* ---- Members ----------------------------------------------------------- */

/* Offset in bytes, members of unnamed unions included; -1: there is none. */
static int offset_in(const struct btf *btf, const struct btf_type *type,
		     const char *name)
{
	const struct btf_member *members = btf_members(type);

	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		const char *found =
			btf__name_by_offset(btf, members[i].name_off);
		int offset = (int)btf_member_bit_offset(type, i) / 8;
		const struct btf_type *inner;
		int within;

		if (found && !strcmp(found, name))
			return offset;
		inner = btf__type_by_id(btf, members[i].type);
		if ((found && *found) || !inner || !btf_is_composite(inner))
			continue;
		/* The kernel nests them once. */
		within = -1;
		for (unsigned int j = 0; j < btf_vlen(inner); j++) {
			const struct btf_member *m = &btf_members(inner)[j];
			const char *deep =
				btf__name_by_offset(btf, m->name_off);

			if (deep && !strcmp(deep, name))
				within = (int)btf_member_bit_offset(inner, j) /
					 8;
		}
		if (within >= 0)
			return offset + within;
	}
	return -1;
}

static const struct btf_type *structure(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
}

/* What BTF says of the kernel, in the words of layouts.h. */
struct found {
	int seq, clock_mode, cycle_last, max_cycles, mult, shift, basetime;
	int first;  /* of the structure in the page, -1: BTF cannot tell */
	int second; /* size of a clock */
	int zone;   /* from the first clock */
	int timens_page;
};

static void find_members(const struct btf *btf, const struct btf_type *clock,
			 struct found *found)
{
	found->seq = offset_in(btf, clock, "seq");
	found->clock_mode = offset_in(btf, clock, "clock_mode");
	found->cycle_last = offset_in(btf, clock, "cycle_last");
	found->max_cycles = offset_in(btf, clock, "max_cycles");
	found->mult = offset_in(btf, clock, "mult");
	found->shift = offset_in(btf, clock, "shift");
	found->basetime = offset_in(btf, clock, "basetime");
	found->second = (int)clock->size;
}

/* The page of the host's data in a time namespace, where it has a name. */
static int timens_page(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "vdso_pages", BTF_KIND_ENUM);
	const struct btf_type *type;

	if (id <= 0)
		return -1;
	type = btf__type_by_id(btf, (__u32)id);
	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];
		const char *name = btf__name_by_offset(btf, value->name_off);

		if (name && !strcmp(name, "VDSO_TIMENS_PAGE_OFFSET"))
			return value->val;
	}
	return -1;
}

static bool find_all(const struct btf *btf, struct found *found)
{
	const struct btf_type *data = structure(btf, "vdso_time_data");
	const struct btf_type *clock = structure(btf, "vdso_clock");

	if (data && clock) {
		find_members(btf, clock, found);
		found->first = offset_in(btf, data, "clock_data");
		found->zone =
			offset_in(btf, data, "tz_minuteswest") - found->first;
		found->timens_page = timens_page(btf);
		return true;
	}
	data = structure(btf, "vdso_data");
	if (!data)
		return false;
	find_members(btf, data, found);
	found->first = -1;
	found->zone = offset_in(btf, data, "tz_minuteswest");
	found->timens_page = -1;
	return true;
}

/* ---- Rows -------------------------------------------------------------- */

static bool row_fits(const struct tnb_vvar_layout *row,
		     const struct found *found)
{
	int max_cycles = row->max_cycles == TNB_VVAR_NONE ? -1
							  : row->max_cycles;

	return found->seq == row->seq && found->clock_mode == row->clock_mode &&
	       found->cycle_last == row->cycle_last &&
	       found->max_cycles == max_cycles && found->mult == row->mult &&
	       found->shift == row->shift && found->basetime == row->basetime &&
	       found->second == row->second && found->zone == row->zone &&
	       (found->first < 0 || found->first == row->data) &&
	       (found->timens_page < 0 ||
		found->timens_page == row->timens_page);
}

enum tnb_vdso_layout_id tnb_vdso_layout_find(const struct btf *btf,
					     uint32_t vvar_below, char *why,
					     size_t size)
{
	struct found found;
	unsigned int i;

	why[0] = '\0';
	if (!btf || !find_all(btf, &found)) {
		snprintf(why, size, "the kernel has no type information of it");
		return TNB_LAYOUT_raw;
	}
	for (i = 0; i < TNB_LAYOUT_raw; i++)
		if (row_fits(&tnb_vvar_layouts[i], &found))
			break;
	if (i == TNB_LAYOUT_raw) {
		snprintf(why, size, "the kernel's data have an unknown shape");
		return TNB_LAYOUT_raw;
	}
	if (vvar_below != tnb_vvar_layouts[i].pages * TNB_PAGE_SIZE) {
		snprintf(why, size, "the kernel's data are 0x%x below its vDSO",
			 vvar_below);
		return TNB_LAYOUT_raw;
	}
	return (enum tnb_vdso_layout_id)i;
}
