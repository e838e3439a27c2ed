/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TIMENSBPF_LOADER_INJECT_ARCH_X86_64_SEGMENT_H
#define TIMENSBPF_LOADER_INJECT_ARCH_X86_64_SEGMENT_H

/* The code segments of 64-bit and 32-bit programs, and the data segment of both
 * (__USER_CS, __USER32_CS and __USER_DS of the kernel's
 * arch/x86/include/asm/segment.h). */
#define TNB_USER_CS_64 0x33
#define TNB_USER_CS_32 0x23
#define TNB_USER_DS 0x2b

#endif
