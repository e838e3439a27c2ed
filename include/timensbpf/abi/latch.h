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

#include <timensbpf/abi/timekeeper.h>

#define TNB_LATCH_TRIES 16

#define tnb_read_once(x) (*(const volatile __typeof__(x) *)&(x))
#define tnb_compiler_barrier() __asm__ volatile("" ::: "memory")

/*
 * Virtual time of `family` for the host's `*time`, in place.
 * Returns 0, or -1 if the page never stood still (`*time` is unchanged).
 */
tnb_inline int tnb_page_read(const struct tnb_clock_page *page,
			     enum tnb_family family, struct tnb_time *time)
{
	for (int i = 0; i < TNB_LATCH_TRIES; i++) {
		__u32 sequence = tnb_read_once(page->sequence);
		const struct tnb_clock_set *set = &page->set[sequence & 1];
		struct tnb_time virtual_time;

		tnb_compiler_barrier();
		virtual_time = tnb_clock_read(&set->clock[family], *time);
		tnb_compiler_barrier();
		if (tnb_read_once(page->sequence) == sequence) {
			*time = virtual_time;
			return 0;
		}
	}
	return -1;
}

#endif
