/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of abi/tables/layouts.h. */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_X86_64_LAYOUTS_H
#define TIMENSBPF_ABI_TABLES_ARCH_X86_64_LAYOUTS_H

/* The kernel's clock source is the counter that the image reads
 * (VDSO_CLOCKMODE_TSC). */
#define TNB_VVAR_MODE_COUNTER 1

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
