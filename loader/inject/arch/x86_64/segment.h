/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TIMENSBPF_LOADER_INJECT_ARCH_X86_64_SEGMENT_H
#define TIMENSBPF_LOADER_INJECT_ARCH_X86_64_SEGMENT_H

/* The code segment of 64-bit programs (__USER_CS of the kernel's
 * arch/x86/include/asm/segment.h). */
#define TNB_USER_CS_64 0x33

#endif
