/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All arithmetic on clocks, for BPF, vDSO and user space alike.
 *
 * Seconds and nanoseconds stay apart: clang's BPF backend has no signed
 * division, and 64-bit nanoseconds end in 2262. Times are normalized:
 * sec is any s64 (negative before the epoch), nsec in [0, 999999999].
 *
 * Range: sources and results between the years 1970 and 2262, rates below
 * TNB_RATE_MAX. Inside it nothing here overflows
 * (tests/unit/include/timekeeper.c).
 */
#ifndef TIMENSBPF_ABI_TIMEKEEPER_H
#define TIMENSBPF_ABI_TIMEKEEPER_H

#include <abi/page.h>

#define TNB_NSEC_PER_SEC 1000000000u
#define TNB_NSEC_PER_USEC 1000u
/* KTIME_MAX in whole seconds (include/linux/ktime.h): 2262-04-11. */
#define TNB_SEC_MAX 9223372036LL
#define TNB_RATE_ONE (1ULL << 32)
#define TNB_RATE_MAX (1024ULL << 32)

/* The vDSO has one page for all of its code, and lets the compiler choose. */
#ifndef tnb_inline
#define tnb_inline static inline __attribute__((always_inline))
#endif
/* Of what is large and rarely used: where space is short, one copy is enough.
 */
#ifndef tnb_apart
#define tnb_apart tnb_inline
#endif

struct tnb_time {
	__s64 sec;
	__u32 nsec;
};

/* Clock ids of include/uapi/linux/time.h; BPF has no such header. */
tnb_inline enum tnb_clock_id tnb_family_of(__u32 clock_id)
{
	switch (clock_id) {
	case 0:	 /* CLOCK_REALTIME */
	case 5:	 /* CLOCK_REALTIME_COARSE */
	case 8:	 /* CLOCK_REALTIME_ALARM */
	case 11: /* CLOCK_TAI */
		return TNB_REALTIME;
	case 1: /* CLOCK_MONOTONIC */
	case 4: /* CLOCK_MONOTONIC_RAW */
	case 6: /* CLOCK_MONOTONIC_COARSE */
		return TNB_MONOTONIC;
	case 7: /* CLOCK_BOOTTIME */
	case 9: /* CLOCK_BOOTTIME_ALARM */
		return TNB_BOOTTIME;
	default:
		return TNB_CLOCK_NONE;
	}
}

tnb_inline struct tnb_time tnb_time_add(struct tnb_time a, struct tnb_time b)
{
	struct tnb_time sum = { a.sec + b.sec, a.nsec + b.nsec };

	if (sum.nsec >= TNB_NSEC_PER_SEC) {
		sum.nsec -= TNB_NSEC_PER_SEC;
		sum.sec++;
	}
	return sum;
}

tnb_inline struct tnb_time tnb_time_sub(struct tnb_time a, struct tnb_time b)
{
	struct tnb_time diff = { a.sec - b.sec, a.nsec - b.nsec };

	if (a.nsec < b.nsec) {
		diff.nsec += TNB_NSEC_PER_SEC;
		diff.sec--;
	}
	return diff;
}

/*
 * |elapsed| * rate, rounded towards zero, for elapsed >= 0.
 *
 * The fractions of both products are summed in 2^-32 ns before they are cut
 * off once; cutting them one by one would let the result step back by a
 * nanosecond where the second rolls over.
 */
tnb_apart struct tnb_time tnb_time_scale(struct tnb_time elapsed, __u64 rate)
{
	__u64 whole = rate >> 32, frac = rate & 0xffffffffu;
	__u64 sec = (__u64)elapsed.sec;
	/* sec * frac is up to 2^66: two halves of 32 bits, in 2^-32 s. */
	__u64 low = (sec & 0xffffffffu) * frac;
	__u64 high = (sec >> 32) * frac;
	__u64 rest = low & 0xffffffffu;
	__u64 fraction = rest * TNB_NSEC_PER_SEC + elapsed.nsec * frac;
	__u64 nsec = elapsed.nsec * whole + (fraction >> 32);
	struct tnb_time scaled;

	scaled.sec = (__s64)(sec * whole + high + (low >> 32) +
			     nsec / TNB_NSEC_PER_SEC);
	scaled.nsec = (__u32)(nsec % TNB_NSEC_PER_SEC);
	return scaled;
}

tnb_inline struct tnb_time tnb_clock_offset(const struct tnb_clock *clock)
{
	struct tnb_time offset = { clock->offset_sec, clock->offset_nsec };

	return offset;
}

/* The time that `clock` shows when its source clock shows `host`. */
tnb_inline struct tnb_time tnb_clock_read(const struct tnb_clock *clock,
					  struct tnb_time host)
{
	struct tnb_time host_ref, virt_ref;

	if (!(clock->flags & TNB_CLOCK_RATE))
		return tnb_time_add(host, tnb_clock_offset(clock));

	host_ref.sec = clock->host_ref_sec;
	host_ref.nsec = clock->host_ref_nsec;
	virt_ref.sec = clock->virt_ref_sec;
	virt_ref.nsec = clock->virt_ref_nsec;
	if (host.sec > host_ref.sec ||
	    (host.sec == host_ref.sec && host.nsec >= host_ref.nsec))
		return tnb_time_add(virt_ref,
				    tnb_time_scale(tnb_time_sub(host, host_ref),
						   clock->rate));
	/* Before the reference: mirror, so that no division is signed. */
	return tnb_time_sub(
		virt_ref,
		tnb_time_scale(tnb_time_sub(host_ref, host), clock->rate));
}

/*
 * A deadline on the host's clock, as the kernel takes it: never negative,
 * which would be an error, and never 0, which would disarm a timer. A moment
 * long past stands for both: the first nanosecond, or for a timer that comes
 * again every `interval` ns (0: does not) the first of its moments after that.
 */
tnb_inline struct tnb_time tnb_deadline_clamp(struct tnb_time host,
					      __u64 interval)
{
	struct tnb_time first = { 0, 1 }, zero = { 0, 0 };
	__u64 before, nsec;

	if (host.sec > 0 || (host.sec == 0 && host.nsec))
		return host;
	if (!interval || host.sec <= -TNB_SEC_MAX)
		return first;
	host = tnb_time_sub(zero, host);
	before = (__u64)host.sec * TNB_NSEC_PER_SEC + host.nsec;
	nsec = interval - before % interval;
	first.sec = (__s64)(nsec / TNB_NSEC_PER_SEC);
	first.nsec = (__u32)(nsec % TNB_NSEC_PER_SEC);
	return first;
}

/* Nanoseconds to a normalized time, rounded towards minus infinity. */
tnb_inline struct tnb_time tnb_time_from_ns(__s64 ns)
{
	__u64 magnitude = ns < 0 ? 0 - (__u64)ns : (__u64)ns;
	struct tnb_time zero = { 0, 0 }, time;

	time.sec = (__s64)(magnitude / TNB_NSEC_PER_SEC);
	time.nsec = (__u32)(magnitude % TNB_NSEC_PER_SEC);
	return ns < 0 ? tnb_time_sub(zero, time) : time;
}

#endif
