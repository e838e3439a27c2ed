/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things lie in the kernel's data pages (vvar), for each shape that they
 * have had. The image is compiled once for each row, layout.c compares the same
 * numbers with the running kernel's BTF. A new shape is a new row, and its name
 * in CMakeLists.txt.
 *
 * Included from freestanding and hosted C.
 */
#ifndef TIMENSBPF_ABI_TABLES_LAYOUTS_H
#define TIMENSBPF_ABI_TABLES_LAYOUTS_H

#include <linux/types.h>

#define TNB_VVAR_NONE 0xffffu
#define TNB_VVAR_CLOCKS 12u    /* of basetime and of timens offsets */
#define TNB_VVAR_TIMESTAMP 16u /* s64 seconds, u64 nanoseconds */
#define TNB_VVAR_MODE_TSC 1
#define TNB_VVAR_MODE_TIMENS 0x7fffffff

struct tnb_vvar_layout {
	__u16 data;   /* the first clock, in the first page */
	__u16 second; /* from the first clock to that of MONOTONIC_RAW */
	/* Within a clock. */
	__u16 seq, clock_mode, cycle_last, max_cycles, mult, shift, basetime;
	__u16 zone;	   /* two s32, from the first clock */
	__u16 timens_page; /* page of the host's data in a time namespace */
	__u16 pages;	   /* between the first one and the vDSO */
};

/* to 6.9 */
#define TNB_VVAR_vdso_data                                                  \
	{                                                                   \
		.data = 128, .second = 240, .seq = 0, .clock_mode = 4,      \
		.cycle_last = 8, .max_cycles = TNB_VVAR_NONE, .mult = 24,   \
		.shift = 28, .basetime = 32, .zone = 224, .timens_page = 3, \
		.pages = 4,                                                 \
	}

/* 6.10 to 6.12 */
#define TNB_VVAR_vdso_data_max_cycles                                       \
	{                                                                   \
		.data = 128, .second = 248, .seq = 0, .clock_mode = 4,      \
		.cycle_last = 8, .max_cycles = 16, .mult = 32, .shift = 36, \
		.basetime = 40, .zone = 232, .timens_page = 3, .pages = 4,  \
	}

/* from 6.15 on: ten clocks, the eight auxiliary ones last */
#define TNB_VVAR_vdso_clock                                                 \
	{                                                                   \
		.data = 0, .second = 232, .seq = 0, .clock_mode = 4,        \
		.cycle_last = 8, .max_cycles = 16, .mult = 32, .shift = 36, \
		.basetime = 40, .zone = 2320, .timens_page = 1, .pages = 6, \
	}

/* X(name) */
#define TNB_VVAR_LAYOUTS(X)     \
	X(vdso_data)            \
	X(vdso_data_max_cycles) \
	X(vdso_clock)

#endif
