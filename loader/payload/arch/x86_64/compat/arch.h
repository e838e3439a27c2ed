/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the image of 32-bit programs does by hand. Included by image.h. */
#ifndef TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COMPAT_ARCH_H
#define TIMENSBPF_LOADER_PAYLOAD_ARCH_X86_64_COMPAT_ARCH_H

#include "arch/x86_64/counter.h"

/* As the kernel's vDSO: the negative errno is the result. The instruction that
 * every processor has. */
tnb_fast long raw_call(long number, const void *a, const void *b, const void *c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

#endif
