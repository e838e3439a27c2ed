/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The replacement vDSO of 64-bit programs: what tells the time. Compiled once
 * for each row of layouts.h (TNB_IMAGE_LAYOUT), and without one: then it makes
 * system calls.
 *
 * A read is one pass over the kernel's data (a seqcount), the counter and the
 * clock page (a latch); whatever is not plain there is read again by the slow
 * path. The clock page's sequence is looked at before and after the counter is
 * read, so
 * that the numbers that are added were in force at that moment.
 *
 * Numbers are added only to what was computed here. A system call's time is
 * BPF's to correct, whatever sent us there: another clock source, a page that
 * may not be used (P5), or one that did not stand still. A process that might
 * be killed for the call makes it only where the kernel's own vDSO does.
 */
#include "image.h"

#include <abi/tables/layouts.h>

struct timeval_user {
	__s64 sec, usec;
};

EXPORTED(clock_gettime)
int __vdso_clock_gettime(__u32 id, struct __kernel_timespec *time);
EXPORTED(gettimeofday)
int __vdso_gettimeofday(struct timeval_user *time, struct timezone *zone);
EXPORTED(time)
__s64 __vdso_time(__s64 *time);
int clock_gettime(__u32 id, struct __kernel_timespec *time)
	WEAK_NAME(clock_gettime);
int gettimeofday(struct timeval_user *time, struct timezone *zone)
	WEAK_NAME(gettimeofday);
__s64 time(__s64 *time) WEAK_NAME(time);

tnb_fast int raw_gettime(__u32 id, struct __kernel_timespec *time)
{
	return (int)raw_call(SYS_clock_gettime, (void *)(__u64)id, time, NULL);
}

tnb_fast int raw_gettimeofday(struct timeval_user *time, struct timezone *zone)
{
	return (int)raw_call(SYS_gettimeofday, time, zone, NULL);
}

/* The system call time(2) is out of BPF's reach on stock kernels; its second is
 * that of this clock (kernel/time/time.c). */
tnb_slow __s64 raw_time(__s64 *time)
{
	struct __kernel_timespec now;
	int err = raw_gettime(CLOCK_REALTIME_COARSE, &now);

	if (tnb_unlikely(err))
		return err;
	if (time)
		*time = now.tv_sec;
	return now.tv_sec;
}

#ifndef TNB_IMAGE_LAYOUT

int __vdso_clock_gettime(__u32 id, struct __kernel_timespec *time)
{
	return raw_gettime(id, time);
}

int __vdso_gettimeofday(struct timeval_user *time, struct timezone *zone)
{
	return raw_gettimeofday(time, zone);
}

__s64 __vdso_time(__s64 *time)
{
	return raw_time(time);
}

#else

#include "virtual_time.h"

tnb_slow int slow_gettime(__u32 id, struct __kernel_timespec *time)
{
	struct tnb_time now;

	if (!virtual_time(id, &now))
		return raw_gettime(id, time);
	time->tv_sec = now.sec;
	time->tv_nsec = now.nsec;
	return 0;
}

tnb_slow int slow_gettimeofday(struct timeval_user *time, struct timezone *zone)
{
	tnb_address data = data_of(CLOCK_REALTIME);
	struct tnb_time now;

	if (time) {
		if (!virtual_time(CLOCK_REALTIME, &now))
			return raw_gettimeofday(time, zone);
		time->sec = now.sec;
		time->usec = now.nsec / TNB_NSEC_PER_USEC;
	}
	if (zone) {
		if (is_time_namespace(data))
			data = data_behind(data);
		zone->tz_minuteswest = FIELD(__s32, data, layout.zone);
		zone->tz_dsttime = FIELD(__s32, data, layout.zone + 4);
	}
	return 0;
}

tnb_slow __s64 slow_time(__s64 *time)
{
	struct tnb_time now;

	if (!virtual_time(CLOCK_REALTIME_COARSE, &now))
		return raw_time(time);
	if (time)
		*time = now.sec;
	return now.sec;
}

/* ---- Fast: an offset, the counter, no time namespace, no writer -------- */

/* To be called last: does all that was read since belong together? */
tnb_fast bool pass_is_whole(tnb_address data, __u32 seq, __u32 sequence)
{
	tnb_load_barrier();
	return tnb_likely(FIELD(__u32, data, layout.seq) == seq &&
			  tnb_clock_page.sequence == sequence);
}

_Static_assert(offsetof(struct tnb_clock, flags) ==
		       offsetof(struct tnb_clock, offset_nsec) + 4,
	       "offset_with_flags() reads both at once");

/*
 * Nanoseconds of the offset, and flags above them, which make a sum so large
 * that it falls out in fast_sum() without a question of its own.
 */
tnb_fast __u64 offset_with_flags(const struct tnb_clock *clock)
{
	__u64 both;

	__builtin_memcpy(&both, &clock->offset_nsec, sizeof(both));
	return both;
}

/* False: a flag, or seconds of nanoseconds. */
tnb_fast bool fast_sum(__u64 sec, __u64 nsec, struct tnb_time *time)
{
	if (nsec >= TNB_NSEC_PER_SEC) {
		if (tnb_unlikely(nsec >= 2 * TNB_NSEC_PER_SEC))
			return false;
		nsec -= TNB_NSEC_PER_SEC;
		sec++;
	}
	time->sec = (__s64)sec;
	time->nsec = (__u32)nsec;
	return true;
}

/* `base`: BASE() of the clock. */
tnb_fast bool fast_high(tnb_address data, tnb_address base, __u32 family,
			struct tnb_time *time)
{
	__u32 sequence = read_sequence(), seq = read_seq(data);
	const struct tnb_clock *clock = clock_of(sequence, family);
	__u64 cycles, delta, nsec, sec;

	/* One register now rather than three beyond the counter. */
	__asm__("" : "+r"(clock));
	if (tnb_unlikely(seq & 1 || FIELD(__s32, data, layout.clock_mode) !=
					    TNB_VVAR_MODE_COUNTER))
		return false;
	cycles = read_counter();
	delta = cycles - FIELD(__u64, data, layout.cycle_last);
	if (tnb_unlikely(!page_is_ours() ||
			 !delta_is_plain(data, cycles, delta)))
		return false;
	nsec = (delta * FIELD(__u32, data, layout.mult) +
		NANOSECONDS(base, 0)) >>
	       (FIELD(__u32, data, layout.shift) & 63);
	nsec += offset_with_flags(clock);
	sec = (__u64)SECONDS(base, 0) + (__u64)clock->offset_sec;
	return pass_is_whole(data, seq, sequence) && fast_sum(sec, nsec, time);
}

/* In every clock mode, as the kernel's own. */
tnb_fast bool fast_coarse(tnb_address data, __u32 id, __u32 family,
			  struct tnb_time *time)
{
	__u32 sequence = read_sequence(), seq = read_seq(data);
	const struct tnb_clock *clock = clock_of(sequence, family);
	tnb_address base = BASE(data, id);
	__u64 sec, nsec;

	/* Sums right away: fewer registers, and no frame for them. */
	__asm__("" : "+r"(clock), "+r"(base));
	sec = (__u64)SECONDS(base, 0) + (__u64)clock->offset_sec;
	nsec = NANOSECONDS(base, 0) + offset_with_flags(clock);
	__asm__("" : "+r"(sec), "+r"(nsec));
	return !tnb_unlikely(seq & 1 || !page_is_ours()) &&
	       pass_is_whole(data, seq, sequence) && fast_sum(sec, nsec, time);
}

tnb_fast int coarse_gettime(__u32 id, struct __kernel_timespec *time,
			    __u32 kind, tnb_address data)
{
	struct tnb_time now;

	if (!fast_coarse(data, id, family_of(kind), &now))
		return slow_gettime(id, time);
	time->tv_sec = now.sec;
	time->tv_nsec = now.nsec;
	return 0;
}

int __vdso_clock_gettime(__u32 id, struct __kernel_timespec *time)
{
	tnb_address data = tnb_link.vvar + layout.data, base;
	__u32 kind = kind_of(id);
	struct tnb_time now;

	if (tnb_unlikely(id >= TNB_VVAR_CLOCKS))
		return raw_gettime(id, time);
	/* First: all that it costs is where it is jumped to. */
	if (tnb_unlikely(source_of(kind) == COARSE))
		return coarse_gettime(id, time, kind, data);
	if (tnb_unlikely(source_of(kind) != HIGH_RESOLUTION)) {
		if (source_of(kind) != RAW)
			return raw_gettime(id, time);
		data += layout.second;
	}
	/* In the register of `id`, which the slow path has back from it: there
	 * is none to spare. */
	base = BASE(data, id);
	__asm__("" : "+r"(base));
	if (!fast_high(data, base, family_of(kind), &now))
		return slow_gettime((__u32)(base - data) / TNB_VVAR_TIMESTAMP,
				    time);
	time->tv_sec = now.sec;
	time->tv_nsec = now.nsec;
	return 0;
}

int __vdso_gettimeofday(struct timeval_user *time, struct timezone *zone)
{
	tnb_address data = tnb_link.vvar + layout.data;
	struct tnb_time now;

	if (tnb_unlikely(zone || !time) ||
	    !fast_high(data, BASE(data, CLOCK_REALTIME), TNB_REALTIME, &now))
		return slow_gettimeofday(time, zone);
	time->sec = now.sec;
	time->usec = now.nsec / TNB_NSEC_PER_USEC;
	return 0;
}

/*
 * The kernel's time() is the second of CLOCK_REALTIME_COARSE, up to a tick
 * behind clock_gettime() and never ahead of it. So is this one, on the virtual
 * clock: the coarse time, nanoseconds and all, plus the offset, cut off last.
 * Adding the offset's seconds alone would be behind by up to a second.
 *
 * With an offset of whole seconds the kernel's second is enough, one word that
 * is never torn, as in the kernel's own.
 */
__s64 __vdso_time(__s64 *time)
{
	tnb_address data = tnb_link.vvar + layout.data;
	__u32 sequence = read_sequence(), seq = read_seq(data);
	const struct tnb_clock *clock = clock_of(sequence, TNB_REALTIME);
	__u64 sec, nsec;

	/* One register rather than two and a sum in each access. */
	__asm__("" : "+r"(clock));
	nsec = offset_with_flags(clock);
	if (tnb_unlikely(seq & 1 || !page_is_ours()))
		return slow_time(time);
	sec = (__u64)SECONDS(data, CLOCK_REALTIME_COARSE) +
	      (__u64)clock->offset_sec;
	if (nsec) {
		nsec += NANOSECONDS(data, CLOCK_REALTIME_COARSE);
		sec = add_second(sec, nsec);
		tnb_load_barrier();
		if (tnb_unlikely(nsec >= 2 * TNB_NSEC_PER_SEC ||
				 FIELD(__u32, data, layout.seq) != seq))
			return slow_time(time);
	}
	tnb_load_barrier();
	if (tnb_unlikely(tnb_clock_page.sequence != sequence))
		return slow_time(time);
	if (time)
		*time = (__s64)sec;
	return (__s64)sec;
}

#endif
