/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Writing words that other CPUs read in order. clang makes a BPF atomic without
 * FETCH of one whose result is unused, and that orders nothing on arm64. So
 * where order matters, one of these does the write: all memory accesses before
 * it come before it, all that follow come after it. Counters need none.
 * Readers: abi/latch.h.
 */
#ifndef TIMENSBPF_BPF_LIB_ORDER_BPF_H
#define TIMENSBPF_BPF_LIB_ORDER_BPF_H

/* Adds; the value of before is kept alive. */
#define order_add(pointer, value)                             \
	({                                                    \
		__typeof__(*(pointer)) before_ =              \
			__sync_fetch_and_add(pointer, value); \
		__asm__ volatile("" : : "r"(before_));        \
	})

/* Stores: an exchange always has FETCH. */
#define order_store(pointer, value) \
	((void)__sync_lock_test_and_set(pointer, value))

#endif
