/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image does by hand on this architecture. Included by image.h. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_ARCH_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_ARCH_H

#include "counter.h"

/* As the kernel's vDSO: the negative errno is the result. */
tnb_fast long raw_call(long number, const void *a, const void *b, const void *c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

/* sec, and one more if nsec is a second or more: in two instructions. */
tnb_fast __u64 add_second(__u64 sec, __u64 nsec)
{
	__asm__("cmp %2, %1\n\tsbb $-1, %0"
		: "+r"(sec)
		: "r"(nsec), "i"(TNB_NSEC_PER_SEC)
		: "cc");
	return sec;
}

#endif
