/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct rt_sigframe of the kernel's arch/x86/include/asm/sigframe.h. */
#include "inject/arch.h"
#include "segment.h"

/* In words, from the saved instruction pointer. */
#define TO_UC_FLAGS (-21)
#define TO_UC_LINK (-20)
#define TO_SP (-1)
#define TO_EFLAGS 1
#define TO_SEGMENTS 2
#define UC_FLAGS_KNOWN 7
#define EFLAGS_ALWAYS 2
#define EFLAGS_KNOWN 0x3fffff

const size_t tnb_signal_frame_before = -TO_UC_FLAGS;
const size_t tnb_signal_frame_behind = TO_SEGMENTS;

bool tnb_signal_frame_at(const __u64 *word, struct tnb_signal_frame *frame)
{
	if (word[TO_UC_FLAGS] & ~(__u64)UC_FLAGS_KNOWN || word[TO_UC_LINK] ||
	    !(word[TO_EFLAGS] & EFLAGS_ALWAYS) ||
	    word[TO_EFLAGS] & ~(__u64)EFLAGS_KNOWN ||
	    (word[TO_SEGMENTS] & 0xffff) != TNB_USER_CS_64)
		return false;
	frame->pc = word[0];
	frame->sp = word[TO_SP];
	return true;
}
