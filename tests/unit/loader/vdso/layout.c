/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loader/vdso/layout.c on type information that is made up here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include "loader/vdso/layout.h"
#include <string.h>

static int u32, u64, base;

static struct btf *new_types(void)
{
	struct btf *btf = btf__new_empty();

	u32 = btf__add_int(btf, "u32", 4, 0);
	u64 = btf__add_int(btf, "u64", 8, 0);
	btf__add_struct(btf, "vdso_timestamp", 16);
	base = btf__add_array(btf, u32, btf__type_cnt(btf) - 1, 12);
	btf__add_union(btf, NULL, 192);
	btf__add_field(btf, "basetime", base, 0, 0);
	btf__add_field(btf, "offset", base, 0, 0);
	base = (int)btf__type_cnt(btf) - 1;
	return btf;
}

static void add_field(struct btf *btf, const char *name, int type,
		      uint16_t offset)
{
	if (offset != TNB_VVAR_NONE)
		assert_int_equal(
			btf__add_field(btf, name, type, offset * 8u, 0), 0);
}

static void add_clock(struct btf *btf, const char *name,
		      const struct tnb_vvar_layout *row)
{
	btf__add_struct(btf, name, row->second);
	add_field(btf, "seq", u32, row->seq);
	add_field(btf, "clock_mode", u32, row->clock_mode);
	add_field(btf, "cycle_last", u64, row->cycle_last);
	add_field(btf, "max_cycles", u64, row->max_cycles);
	add_field(btf, "mult", u32, row->mult);
	add_field(btf, "shift", u32, row->shift);
	add_field(btf, NULL, base, row->basetime);
}

static struct btf *old_types(const struct tnb_vvar_layout *row)
{
	struct btf *btf = new_types();

	add_clock(btf, "vdso_data", row);
	add_field(btf, "tz_minuteswest", u32, row->zone);
	return btf;
}

static struct btf *new_kernel(const struct tnb_vvar_layout *row, uint16_t first,
			      int page)
{
	struct btf *btf = new_types();
	int clock;

	add_clock(btf, "vdso_clock", row);
	clock = (int)btf__type_cnt(btf) - 1;
	clock = btf__add_array(btf, u32, clock, 2);
	btf__add_struct(btf, "vdso_time_data", 4096);
	add_field(btf, "clock_data", clock, first);
	add_field(btf, "tz_minuteswest", u32, (uint16_t)(first + row->zone));
	btf__add_enum(btf, "vdso_pages", 4);
	btf__add_enum_value(btf, "VDSO_TIME_PAGE_OFFSET", 0);
	btf__add_enum_value(btf, "VDSO_TIMENS_PAGE_OFFSET", page);
	return btf;
}

static void assert_found(struct btf *btf, uint32_t pages,
			 enum tnb_vdso_layout_id wanted)
{
	char why[128] = "?";

	assert_int_equal(
		tnb_vdso_layout_find(btf, pages * 4096, why, sizeof(why)),
		wanted);
	assert_int_equal(why[0] != 0, wanted == TNB_LAYOUT_raw);
	btf__free(btf);
}

static void every_row_is_found(void **state)
{
	(void)state;
	assert_found(old_types(&tnb_vvar_layouts[TNB_LAYOUT_vdso_data]), 4,
		     TNB_LAYOUT_vdso_data);
	assert_found(
		old_types(&tnb_vvar_layouts[TNB_LAYOUT_vdso_data_max_cycles]),
		4, TNB_LAYOUT_vdso_data_max_cycles);
	assert_found(new_kernel(&tnb_vvar_layouts[TNB_LAYOUT_vdso_clock], 0, 1),
		     6, TNB_LAYOUT_vdso_clock);
}

static void what_is_moved_is_raw(void **state)
{
	const struct tnb_vvar_layout *row =
		&tnb_vvar_layouts[TNB_LAYOUT_vdso_clock];
	struct tnb_vvar_layout moved;

	(void)state;
	assert_found(NULL, 6, TNB_LAYOUT_raw);
	assert_found(new_types(), 6, TNB_LAYOUT_raw);
	assert_found(new_kernel(row, 8, 1), 6, TNB_LAYOUT_raw);
	assert_found(new_kernel(row, 0, 2), 6, TNB_LAYOUT_raw);
	assert_found(new_kernel(row, 0, 1), 5, TNB_LAYOUT_raw);
	moved = *row;
	moved.mult += 4;
	assert_found(new_kernel(&moved, 0, 1), 6, TNB_LAYOUT_raw);
	moved = *row;
	moved.second += 8;
	assert_found(new_kernel(&moved, 0, 1), 6, TNB_LAYOUT_raw);
	moved = *row;
	moved.zone += 8;
	assert_found(new_kernel(&moved, 0, 1), 6, TNB_LAYOUT_raw);
	moved = tnb_vvar_layouts[TNB_LAYOUT_vdso_data];
	moved.basetime += 8;
	assert_found(old_types(&moved), 4, TNB_LAYOUT_raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found),
		cmocka_unit_test(what_is_moved_is_raw),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
