/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's arch/x86/include/asm/sigframe.h and its struct sigcontext_32. */
#include "inject/arch.h"
#include "segment.h"

#include <string.h>

#define EFLAGS_ALWAYS 2
#define EFLAGS_KNOWN 0x3fffff

static bool are_flags(__u64 flags)
{
	return flags & EFLAGS_ALWAYS && !(flags & ~(__u64)EFLAGS_KNOWN);
}

/* ---- struct rt_sigframe -------------------------------------------------- */

/* In words, from the saved instruction pointer. */
#define TO_UC_FLAGS (-21)
#define TO_UC_LINK (-20)
#define TO_SP (-1)
#define TO_EFLAGS 1
#define TO_SEGMENTS 2
#define UC_FLAGS_KNOWN 7

static __u64 word_at(const unsigned char *ip, int words)
{
	__u64 word;

	memcpy(&word, ip + words * (int)sizeof(word), sizeof(word));
	return word;
}

static bool wide_at(const unsigned char *ip, struct tnb_signal_frame *frame)
{
	if (word_at(ip, TO_UC_FLAGS) & ~(__u64)UC_FLAGS_KNOWN ||
	    word_at(ip, TO_UC_LINK) || !are_flags(word_at(ip, TO_EFLAGS)) ||
	    (word_at(ip, TO_SEGMENTS) & 0xffff) != TNB_USER_CS_64)
		return false;
	frame->pc = word_at(ip, 0);
	frame->sp = word_at(ip, TO_SP);
	return true;
}

/* ---- struct sigframe_ia32, rt_sigframe_ia32 ------------------------------ */

/* Both have the registers in the same order. In words again. */
#define NARROW_TO_SP (-7)
#define NARROW_TO_CS 1
#define NARROW_TO_EFLAGS 2
#define NARROW_TO_SP_AT_SIGNAL 3
#define NARROW_TO_SS 4

static __u32 narrow_word_at(const unsigned char *ip, int words)
{
	__u32 word;

	memcpy(&word, ip + words * (int)sizeof(word), sizeof(word));
	return word;
}

static bool narrow_at(const unsigned char *ip, struct tnb_signal_frame *frame)
{
	__u32 sp = narrow_word_at(ip, NARROW_TO_SP);

	if ((narrow_word_at(ip, NARROW_TO_CS) & 0xffff) != TNB_USER_CS_32 ||
	    (narrow_word_at(ip, NARROW_TO_SS) & 0xffff) != TNB_USER_DS ||
	    !are_flags(narrow_word_at(ip, NARROW_TO_EFLAGS)) ||
	    narrow_word_at(ip, NARROW_TO_SP_AT_SIGNAL) != sp)
		return false;
	frame->pc = narrow_word_at(ip, 0);
	frame->sp = sp;
	return true;
}

const struct tnb_signal_frames *tnb_signal_frames(bool narrow)
{
	static const struct tnb_signal_frames frames[] = {
		{ sizeof(__u64), -TO_UC_FLAGS * sizeof(__u64),
		  (TO_SEGMENTS + 1) * sizeof(__u64), wide_at },
		{ sizeof(__u32), -NARROW_TO_SP * sizeof(__u32),
		  (NARROW_TO_SS + 1) * sizeof(__u32), narrow_at },
	};

	return &frames[narrow];
}
