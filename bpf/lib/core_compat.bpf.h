/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* One getter for each thing that differs between kernels. CO-RE chooses, never
 * a version number. */
#ifndef TIMENSBPF_BPF_LIB_CORE_COMPAT_BPF_H
#define TIMENSBPF_BPF_LIB_CORE_COMPAT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <abi/timekeeper.h>

/*
 * The core timekeeper. Until 6.13 an anonymous struct tk_core of a sequence
 * count and the timekeeper (kernel/time/timekeeping.c); then struct tk_data,
 * and since 6.17 the first of an array timekeeper_data[].
 */
struct tk_data___core {
	seqcount_raw_spinlock_t seq;
	struct timekeeper timekeeper;
} __attribute__((preserve_access_index));

extern const void tk_core __ksym __weak;
extern const void timekeeper_data __ksym __weak;

/* In the anonymous struct the count is followed by the timekeeper, which is
 * aligned to 8; without lock debugging the count is 4 bytes. */
#define TK_CORE_TIMEKEEPER_AT 8

static __always_inline const struct timekeeper *core_timekeeper(const void *tk)
{
	if (bpf_core_type_exists(struct tk_data___core))
		return tk +
		       bpf_core_field_offset(struct tk_data___core, timekeeper);
	return tk + TK_CORE_TIMEKEEPER_AT;
}

/* The timekeeper is written once a tick: a second try is not disturbed. */
#define TNB_TK_TRIES 4
/* The most that bpf_loop() allows (BPF_MAX_LOOPS): near a second. */
#define TNB_TK_TURNS (1u << 23)

static __always_inline __u32 timekeeper_count(const void *core)
{
	__u32 count = 1;

	bpf_probe_read_kernel(&count, sizeof(count), core);
	return count;
}

static long timekeeper_turn(__u64 turn, __u64 *core)
{
	return !(timekeeper_count((const void *)*core) & 1);
}

/* The sequence count is odd while the timekeeper is written. That takes less
 * than a microsecond, but for a virtual CPU that does not run meanwhile. The
 * kernel's own readers wait for it in the same way, without a limit. */
static __always_inline __u32 timekeeper_begin(const void *core)
{
	__u64 context = (__u64)core;
	__u32 count = timekeeper_count(core);

	if (count & 1) {
		bpf_loop(TNB_TK_TURNS, timekeeper_turn, &context, 0);
		count = timekeeper_count(core);
	}
	return count;
}

/*
 * The host's CLOCK_REALTIME as of the last tick, which is what time(2) returns
 * in whole seconds. Returns 0, or -1 if it could not be read untorn.
 */
static __always_inline int host_realtime_coarse(struct tnb_time *time)
{
	const void *core = &tk_core ? &tk_core : &timekeeper_data;
	const struct timekeeper *tk = core_timekeeper(core);

	if (!core)
		return -1;
	for (int i = 0; i < TNB_TK_TRIES; i++) {
		__u32 begin = timekeeper_begin(core);
		__u64 shifted;

		time->sec = (__s64)BPF_CORE_READ(tk, xtime_sec);
		shifted = BPF_CORE_READ(tk, tkr_mono.xtime_nsec);
		time->nsec = shifted >> BPF_CORE_READ(tk, tkr_mono.shift);
		if (timekeeper_count(core) == begin && !(begin & 1) &&
		    time->nsec < TNB_NSEC_PER_SEC)
			return 0;
	}
	return -1;
}

#endif
