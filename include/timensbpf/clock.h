/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clocks that a rule moves, and what each of them is to show: one type for
 * the command line, the library, the daemon's socket and the clock page.
 *
 * Included from BPF, freestanding and hosted C: fixed-width types only.
 */
#ifndef TIMENSBPF_CLOCK_H
#define TIMENSBPF_CLOCK_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* The families of clocks; the clocks of a family move together
 * (docs/surface.md). */
enum tnb_clock_id {
	TNB_REALTIME = 0,  /* REALTIME, _COARSE, _ALARM, TAI */
	TNB_MONOTONIC = 1, /* MONOTONIC, _COARSE, _RAW */
	TNB_BOOTTIME = 2,  /* BOOTTIME, _ALARM */
	TNB_CLOCKS = 3,
	TNB_CLOCK_NONE = TNB_CLOCKS, /* a clock that no rule moves */
};

/* How `ns` of a setting is meant. */
enum tnb_setting {
	TNB_SET_NOTHING = 0, /* the clock keeps what it is; ns is 0 */
	TNB_SET_OFFSET = 1,  /* nanoseconds relative to the host's clock, in the
				sign of virtual - host */
	TNB_SET_DATE = 2,    /* REALTIME only: the date to show now, in
				nanoseconds since 1970-01-01 00:00 UTC */
};

/* What one clock is to show. */
struct tnb_clock_setting {
	__u32 how;  /* enum tnb_setting */
	__u32 mode; /* 0; room for how the clock proceeds */
	__s64 ns;
	__u64 rate;	/* 0; room for another rate than the host's */
	__u32 source;	/* 0; room for another source than the host's clock */
	__u32 reserved; /* 0 */
};

/*
 * What the clocks of a cgroup are to show. `size` is the size of the structure
 * that the caller was compiled with; a library that knows another one refuses
 * it (-EINVAL), as it does for a member that is to be 0 and is not.
 */
struct tnb_clock_settings {
	__u32 size;
	__u32 reserved; /* 0 */
	struct tnb_clock_setting clock[TNB_CLOCKS];
};

/* An initializer: no clock is given. */
#define TNB_CLOCK_SETTINGS_NONE                            \
	{                                                  \
		.size = sizeof(struct tnb_clock_settings), \
	}

#endif
