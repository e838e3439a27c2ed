/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a clock page while it is written (invariants P1 and P2 of
 * clock_page.h).
 *
 * x86 keeps loads in order and stores in order (SDM vol. 3, 9.2.2), so that
 * volatile accesses, which the compiler keeps in order, are barriers enough.
 *
 * Why the retry is bounded: it repeats only if a whole update passed meanwhile,
 * and the callers (a BPF program, a vDSO) must end. After TNB_LATCH_TRIES
 * updates within one read the caller gets no time rather than a torn one.
 */
#ifndef TIMENSBPF_ABI_LATCH_H
#define TIMENSBPF_ABI_LATCH_H

#include <abi/timekeeper.h>

#define TNB_LATCH_TRIES 16

#define tnb_read_once(x) (*(const volatile __typeof__(x) *)&(x))
#define tnb_write_once(x, value) \
	((void)(*(volatile __typeof__(x) *)&(x) = (value)))
#define tnb_compiler_barrier() __asm__ volatile("" ::: "memory")

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
		__u32 sequence = tnb_read_once(page->sequence);

		tnb_compiler_barrier();
		tnb_clock_copy(clock, &page->set[sequence & 1].clock[family]);
		tnb_compiler_barrier();
		if (tnb_read_once(page->sequence) == sequence)
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
