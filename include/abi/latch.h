/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a clock page while it is written (invariants P1 and P2 of
 * abi/page.h).
 *
 * Order. A reader loads the sequence, then the copy that it names, then the
 * sequence again; each of these loads has to come before the next.
 *  User space and the image: acquire loads and an acquire fence. On x86 both
 *  are only for the compiler: the processor keeps loads in order (SDM vol. 3,
 *  9.2.2).
 *  BPF has no barrier for loads before Linux 6.15. But every architecture keeps
 *  a load behind another one that its address depends on. The copy's address
 *  depends on the sequence by itself. For the second look at the sequence,
 *  tnb_load_after() adds to its address a zero that is made from all words of
 *  the copy.
 *
 * The retry is bounded: it repeats only if a whole update passed meanwhile, and
 * the callers (a BPF program, a vDSO) must end. After TNB_LATCH_TRIES updates
 * within one read the caller gets no time rather than a torn one.
 */
#ifndef TIMENSBPF_ABI_LATCH_H
#define TIMENSBPF_ABI_LATCH_H

#include <abi/timekeeper.h>

#define TNB_LATCH_TRIES 16

#define tnb_read_once(x) (*(const volatile __typeof__(x) *)&(x))
#define tnb_write_once(x, value) \
	((void)(*(volatile __typeof__(x) *)&(x) = (value)))
#define tnb_compiler_barrier() __asm__ volatile("" ::: "memory")

#ifdef __bpf__
/* The address of the next load has to depend on the value. */
#define tnb_load_acquire(x) tnb_read_once(x)
#define tnb_load_barrier() tnb_compiler_barrier()
/* A zero, of which neither compiler nor processor knows in advance. */
tnb_inline __u64 tnb_zero_from(__u64 value)
{
	__asm__ volatile("%0 &= 0" : "+r"(value));
	return value;
}
#define tnb_load_after(x, value)                                \
	(*(const volatile __typeof__(x) *)((const char *)&(x) + \
					   tnb_zero_from(value)))
#else
#define tnb_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define tnb_store_release(x, value) \
	__atomic_store_n(&(x), value, __ATOMIC_RELEASE)
#define tnb_load_barrier() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define tnb_load_after(x, value) \
	((void)(value), tnb_load_barrier(), tnb_read_once(x))
#endif

/* All words that tnb_clock_copy() has loaded, in one: for tnb_load_after(). */
tnb_inline __u64 tnb_clock_mix(const struct tnb_clock *clock)
{
	__u64 mix = (__u64)clock->offset_sec ^ clock->offset_nsec ^
		    clock->flags;

	if (clock->flags & TNB_CLOCK_RATE)
		mix ^= (__u64)clock->host_ref_sec ^ (__u64)clock->virt_ref_sec ^
		       clock->host_ref_nsec ^ clock->virt_ref_nsec ^
		       clock->rate;
	return mix;
}

/* What a clock needs, from the copy that is in force. */
tnb_inline void tnb_clock_copy(struct tnb_clock *to,
			       const struct tnb_clock *from)
{
	to->offset_sec = tnb_read_once(from->offset_sec);
	to->offset_nsec = tnb_read_once(from->offset_nsec);
	to->flags = tnb_read_once(from->flags);
	if (!(to->flags & TNB_CLOCK_RATE))
		return;
	to->host_ref_sec = tnb_read_once(from->host_ref_sec);
	to->virt_ref_sec = tnb_read_once(from->virt_ref_sec);
	to->host_ref_nsec = tnb_read_once(from->host_ref_nsec);
	to->virt_ref_nsec = tnb_read_once(from->virt_ref_nsec);
	to->rate = tnb_read_once(from->rate);
}

/*
 * The numbers of one clock that are in force. Returns 0, or -1 if the page
 * never stood still.
 *
 * What is computed from them is outside of the loop for the BPF verifier,
 * which walks every turn of it.
 */
tnb_inline int tnb_page_clock(const struct tnb_clock_page *page,
			      enum tnb_clock_id family, struct tnb_clock *clock)
{
	for (int i = 0; i < TNB_LATCH_TRIES; i++) {
		__u32 sequence = tnb_load_acquire(page->sequence);

		tnb_clock_copy(clock, &page->set[sequence & 1].clock[family]);
		if (tnb_load_after(page->sequence, tnb_clock_mix(clock)) ==
		    sequence)
			return 0;
	}
	return -1;
}

/*
 * Virtual time of `family` for the host's `*time`, in place.
 * Returns 0, or -1 if the page never stood still (`*time` is unchanged).
 */
tnb_inline int tnb_page_read(const struct tnb_clock_page *page,
			     enum tnb_clock_id family, struct tnb_time *time)
{
	struct tnb_clock clock = { 0 };

	if (tnb_page_clock(page, family, &clock))
		return -1;
	*time = tnb_clock_read(&clock, *time);
	return 0;
}

#endif
