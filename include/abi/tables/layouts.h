/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things lie in the kernel's data pages (vvar), for each shape that they
 * have had. The image is compiled once for each row, layout.c compares the same
 * numbers with the running kernel's BTF. The rows are in arch/: a new shape is
 * a new row, and its name in loader/payload/CMakeLists.txt.
 *
 * Included from freestanding and hosted C.
 */
#ifndef TIMENSBPF_ABI_TABLES_LAYOUTS_H
#define TIMENSBPF_ABI_TABLES_LAYOUTS_H

#include <linux/types.h>

#define TNB_VVAR_NONE 0xffffu
#define TNB_VVAR_CLOCKS 12u    /* of basetime and of timens offsets */
#define TNB_VVAR_TIMESTAMP 16u /* s64 seconds, u64 nanoseconds */
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

#include <abi/tables/arch/layouts.h>

#endif
