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

/* Bytes of a word. */
#define WIDE 8
#define NARROW 4

static __u64 word_at(const unsigned char *ip, int words, int size)
{
	__u64 word = 0;

	memcpy(&word, ip + words * size, (size_t)size);
	return word;
}

/* ---- struct rt_sigframe -------------------------------------------------- */

/* In words, from the saved instruction pointer. */
#define TO_UC_FLAGS (-21)
#define TO_UC_LINK (-20)
#define TO_SP (-1)
#define TO_EFLAGS 1
#define TO_SEGMENTS 2
#define UC_FLAGS_KNOWN 7

static bool wide_at(const unsigned char *ip, struct tnb_signal_frame *frame)
{
	if (word_at(ip, TO_UC_FLAGS, WIDE) & ~(__u64)UC_FLAGS_KNOWN ||
	    word_at(ip, TO_UC_LINK, WIDE) ||
	    !are_flags(word_at(ip, TO_EFLAGS, WIDE)) ||
	    (word_at(ip, TO_SEGMENTS, WIDE) & 0xffff) != TNB_USER_CS_64)
		return false;
	frame->pc = word_at(ip, 0, WIDE);
	frame->sp = word_at(ip, TO_SP, WIDE);
	return true;
}

/* ---- struct sigframe_ia32, rt_sigframe_ia32 ------------------------------ */

/* Both have the registers in the same order. In words again. */
#define NARROW_TO_SP (-7)
#define NARROW_TO_CS 1
#define NARROW_TO_EFLAGS 2
#define NARROW_TO_SP_AT_SIGNAL 3
#define NARROW_TO_SS 4

static bool narrow_at(const unsigned char *ip, struct tnb_signal_frame *frame)
{
	__u64 sp = word_at(ip, NARROW_TO_SP, NARROW);

	if ((word_at(ip, NARROW_TO_CS, NARROW) & 0xffff) != TNB_USER_CS_32 ||
	    (word_at(ip, NARROW_TO_SS, NARROW) & 0xffff) != TNB_USER_DS ||
	    !are_flags(word_at(ip, NARROW_TO_EFLAGS, NARROW)) ||
	    word_at(ip, NARROW_TO_SP_AT_SIGNAL, NARROW) != sp)
		return false;
	frame->pc = word_at(ip, 0, NARROW);
	frame->sp = sp;
	return true;
}

const struct tnb_signal_frames *tnb_signal_frames(bool narrow)
{
	static const struct tnb_signal_frames frames[] = {
		{ WIDE, -TO_UC_FLAGS * WIDE, (TO_SEGMENTS + 1) * WIDE,
		  wide_at },
		{ NARROW, -NARROW_TO_SP * NARROW, (NARROW_TO_SS + 1) * NARROW,
		  narrow_at },
	};

	return &frames[narrow];
}
