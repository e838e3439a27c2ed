/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hold: a thread stays inside a BPF program until the loader has answered. No
 * signal is sent, and nothing of it is seen by another process.
 *
 * Each hold has a word of tnb_loader_state.hold: a number that no other hold
 * has, and a state. tests/model/hold.pml is the model of these rules.
 *
 * H1. The thread makes the word WAITING, and only the thread frees it. A BPF
 *     program always ends, so no word stays behind, whichever process dies.
 * H2. The loader answers by compare-and-swap from the WAITING of this number,
 *     the thread gives up by compare-and-swap from the same: one of the two
 *     succeeds. An event that comes late finds another number.
 * H3. TAKEN is written after the answer is in force. Where the thread is to
 *     stop, PTRACE_INTERRUPT has returned: the stop is pending, and comes
 *     before the thread runs in user mode. Where memory was to become writable,
 *     it is.
 * H4. While the word is WAITING its thread is inside of the program, so its
 *     thread id is that of no other. A loader whose compare-and-swap fails does
 *     not know which thread it has seized, and lets go of it.
 * H5. The thread gives up once the loader gave no sign of life for
 *     TNB_BEAT_LIMIT_NS, or the guard saw it die; once it was held for the time
 *     of its kind of hold; or when it is being killed.
 * H6. What is lost without the loader's work is counted by the thread before it
 *     is held. The loader counts its work when that is done. So a loader that
 *     dies after TAKEN leaves a difference between the two, and no silence. (A
 *     start needs no such count: it is slow then, and right.)
 */
#ifndef TIMENSBPF_ABI_HOLD_H
#define TIMENSBPF_ABI_HOLD_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Threads held at once; a power of two. */
#define TNB_HOLDS 16384u

enum tnb_hold_state {
	TNB_HOLD_FREE, /* the whole word is 0 */
	TNB_HOLD_WAITING,
	TNB_HOLD_TAKEN,
	TNB_HOLD_REFUSED, /* the loader cannot do what it was asked for */
};

#define TNB_HOLD_STATE_BITS 2
#define TNB_HOLD_WORD(number, state) \
	((__u64)(number) << TNB_HOLD_STATE_BITS | (state))

/* Of the word of a hold, in any state. */
static inline __u32 tnb_hold_index(__u64 word)
{
	return (word >> TNB_HOLD_STATE_BITS) & (TNB_HOLDS - 1);
}

static inline __u64 tnb_hold_answer(__u64 word, enum tnb_hold_state state)
{
	return (word & ~(__u64)((1 << TNB_HOLD_STATE_BITS) - 1)) | state;
}

/*
 * How long a thread is held that yields its CPU meanwhile: for so many beats of
 * each half of the loader's threads (channel.h), that is 300 ms in which they
 * could run. Where they have no CPU, or the whole machine has none, those come
 * later.
 */
#define TNB_HOLD_BEATS 15
/* And for so many nanoseconds at most, in which the thread itself could run. */
#define TNB_HOLD_MOST_NS 5000000000ULL
/* How long one is held that cannot yield its CPU, in nanoseconds, until the
 * loader has read its event. */
#define TNB_SPIN_NS 20000000ULL
/* And after that. */
#define TNB_SPIN_READ_NS 100000000ULL
/* Where the loader has no CPU left: it finds the thread on its way out. */
#define TNB_SPIN_CROWD_NS 1000000ULL

#endif
