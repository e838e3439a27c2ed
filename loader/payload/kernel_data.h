/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's data pages (vvar) as an image reads them, which is compiled once
 * for each row of layouts.h (TNB_IMAGE_LAYOUT). */
#ifndef TIMENSBPF_LOADER_PAYLOAD_KERNEL_DATA_H
#define TIMENSBPF_LOADER_PAYLOAD_KERNEL_DATA_H

#include "image.h"

#include <abi/tables/layouts.h>

static const struct tnb_vvar_layout layout = TNB_IMAGE_LAYOUT;

#define FIELD(type, clock, offset) (*(const type *)((clock) + (offset)))
#define FIELD_ONCE(type, clock, offset) \
	(*(const volatile type *)((clock) + (offset)))
#define BASE(clock, id) ((clock) + (tnb_address)(id)*TNB_VVAR_TIMESTAMP)
#define SECONDS(clock, id) FIELD(__s64, BASE(clock, id), layout.basetime)
#define NANOSECONDS(clock, id) \
	FIELD(__u64, BASE(clock, id), layout.basetime + 8)

/* The kernel's data of a clock, by address. */
tnb_fast tnb_address data_of(__u32 id)
{
	return (tnb_address)tnb_link.vvar + layout.data +
	       (id == CLOCK_MONOTONIC_RAW ? layout.second : 0);
}

tnb_fast __u32 read_seq(tnb_address data)
{
	return tnb_load_acquire(FIELD(__u32, data, layout.seq));
}

/* Nothing but a multiplication is to be done with `delta`. As signed numbers:
 * a counter behind the kernel's, or from before its wrap, is for the slow path.
 */
tnb_fast bool delta_is_plain(tnb_address data, __u64 cycles, __u64 delta)
{
	if (layout.max_cycles == TNB_VVAR_NONE)
		return (__s64)cycles >
		       (__s64)FIELD(__u64, data, layout.cycle_last);
	return delta <= FIELD(__u64, data, layout.max_cycles);
}

/* (delta * mult + base) >> shift, of a product in 96 bits. */
tnb_fast __u64 multiply_shift(__u64 delta, __u32 mult, __u64 base, __u32 shift)
{
#ifdef __SIZEOF_INT128__
	return (__u64)(((unsigned __int128)delta * mult + base) >> shift);
#else
	__u64 low = (delta & 0xffffffffu) * mult;
	__u64 high = (delta >> 32) * mult + (low >> 32);
	__u64 sum = (high << 32 | (low & 0xffffffffu)) + base;
	__u64 above = (high >> 32) + (sum < base);

	return shift ? sum >> shift | above << (64 - shift) : sum;
#endif
}

/* Nanoseconds since the kernel's last update, as its own vDSO treats a counter
 * that lies behind the last update or far ahead of it. */
tnb_fast __u64 wide_nanoseconds(tnb_address data, __u32 id, __u64 cycles)
{
	__u64 last = FIELD(__u64, data, layout.cycle_last);
	__u64 delta = (cycles & ~(1ULL << 63)) - last;
	__u64 base = NANOSECONDS(data, id);
	__u32 mult = FIELD(__u32, data, layout.mult);
	__u32 shift = FIELD(__u32, data, layout.shift) & 63;

	if (layout.max_cycles == TNB_VVAR_NONE)
		return (base + (cycles > last ? delta * mult : 0)) >> shift;
	if (delta <= FIELD(__u64, data, layout.max_cycles))
		return (base + delta * mult) >> shift;
	if (delta & 1ULL << 62)
		return base >> shift;
	delta &= ~(1ULL << 63);
	return multiply_shift(delta, mult, base, shift);
}

/*
 * A task in a time namespace finds a page in place of the data whose sequence
 * is odd for ever, and whose base times are the namespace's offsets. It can
 * come under a mapping at any time, so each read looks, and looks again before
 * it waits for an even sequence.
 */
tnb_fast bool is_time_namespace(tnb_address data)
{
	return FIELD_ONCE(__s32, data, layout.clock_mode) ==
	       TNB_VVAR_MODE_TIMENS;
}

tnb_fast tnb_address data_behind(tnb_address data)
{
	return data + layout.timens_page * TNB_PAGE_SIZE;
}

#endif
