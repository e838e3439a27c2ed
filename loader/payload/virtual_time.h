/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The virtual time of any clock, in whatever state the kernel's data and the
 * clock page are: the slow path of image.c, and all there is of image_32.c. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_VIRTUAL_TIME_H
#define TIMENSBPF_LOADER_PAYLOAD_VIRTUAL_TIME_H

#include "kernel_data.h"

/* ---- The clock page ---------------------------------------------------- */

/* tnb_family_of() and what to read, for clocks 0 to 15, without branches: four
 * bits a clock. */
enum source { SYSTEM_CALL, HIGH_RESOLUTION, COARSE, RAW };

#define KIND(id, source) \
	((__u64)(tnb_family_of(id) | (source) << 2) << 4 * (id))
#define KINDS                                                                \
	(KIND(CLOCK_REALTIME, HIGH_RESOLUTION) |                             \
	 KIND(CLOCK_MONOTONIC, HIGH_RESOLUTION) |                            \
	 KIND(CLOCK_BOOTTIME, HIGH_RESOLUTION) |                             \
	 KIND(CLOCK_TAI, HIGH_RESOLUTION) | KIND(CLOCK_MONOTONIC_RAW, RAW) | \
	 KIND(CLOCK_REALTIME_COARSE, COARSE) |                               \
	 KIND(CLOCK_MONOTONIC_COARSE, COARSE))

tnb_fast __u32 kind_of(__u32 id)
{
	return (__u32)(KINDS >> 4 * id);
}

tnb_fast enum source source_of(__u32 kind)
{
	return kind >> 2 & 3;
}

tnb_fast __u32 family_of(__u32 kind)
{
	return kind & 3;
}

tnb_fast const struct tnb_clock *clock_of(__u32 sequence, __u32 family)
{
	return &tnb_clock_page.set[sequence & 1].clock[family];
}

tnb_fast __u32 read_sequence(void)
{
	return tnb_load_acquire(tnb_clock_page.sequence);
}

/* P5, looked at within a pass. */
tnb_fast bool page_is_ours(void)
{
	return tnb_read_once(tnb_clock_page.pass) == tnb_link.pass;
}

/* ---- Slow: everything that a clock can be ------------------------------ */

/* P6. Behind the pass: a system call is forbidden before its page can be
 * revoked. */
tnb_fast bool may_not_call(void)
{
	return tnb_link.no_calls || tnb_read_once(tnb_clock_page.no_calls);
}

/* Nanoseconds as the kernel's arithmetic leaves them, up to some seconds. */
tnb_fast struct tnb_time normalize(__u64 sec, __u64 nsec)
{
	struct tnb_time time;

	while (tnb_unlikely(nsec >= TNB_NSEC_PER_SEC)) {
		nsec -= TNB_NSEC_PER_SEC;
		sec++;
		/* No division, which costs more than the few turns. */
		__asm__ volatile("" : "+r"(nsec));
	}
	time.sec = (__s64)sec;
	time.nsec = (__u32)nsec;
	return time;
}

/* The host's time, in the caller's time namespace.
 * False: this clock source is not for us. */
tnb_slow bool host_time(__u32 id, struct tnb_time *time)
{
	tnb_address ours = data_of(id), data;
	__u64 sec, nsec;
	__u32 seq;

	do {
		data = is_time_namespace(ours) ? data_behind(ours) : ours;
		seq = read_seq(data);
		if (seq & 1) {
			relax();
			continue;
		}
		if (source_of(kind_of(id)) == COARSE)
			nsec = NANOSECONDS(data, id);
		else if (FIELD(__s32, data, layout.clock_mode) ==
			 TNB_VVAR_MODE_COUNTER)
			nsec = wide_nanoseconds(data, id, read_counter());
		else
			return false;
		sec = (__u64)SECONDS(data, id);
		tnb_load_barrier();
	} while (seq & 1 || FIELD_ONCE(__u32, data, layout.seq) != seq);
	if (data != ours) {
		sec += (__u64)SECONDS(ours, id);
		nsec += NANOSECONDS(ours, id);
	}
	*time = normalize(sec, nsec);
	return true;
}

/* False: a system call has to tell. */
tnb_slow bool virtual_time(__u32 id, struct tnb_time *time)
{
	for (int i = 0; i < TNB_LATCH_TRIES || may_not_call(); i++) {
		__u32 sequence = read_sequence();
		struct tnb_clock clock = { 0 };

		if (!page_is_ours() && !may_not_call())
			return false;
		tnb_clock_copy(&clock,
			       clock_of(sequence, family_of(kind_of(id))));
		if (!host_time(id, time))
			return false;
		tnb_load_barrier();
		if (read_sequence() == sequence) {
			*time = tnb_clock_read(&clock, *time);
			return true;
		}
	}
	return false;
}

#endif
