/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of system calls, of the architecture that is compiled for. */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_CALLS_H
#define TIMENSBPF_ABI_TABLES_ARCH_CALLS_H

#if defined(__x86_64__) || defined(__TARGET_ARCH_x86)
#include <abi/tables/arch/x86_64/calls.h>
#else
#error "no tables of this architecture"
#endif

/* By the name of a call: 64-bit; 32-bit with 64-bit time; 32-bit with 32-bit
 * time. */
#define TNB_NR(name) TNB_NR_##name
#define TNB_NR_TIME64(name) TNB_NR_TIME64_##name
#define TNB_NR_TIME32(name) TNB_NR_TIME32_##name

#endif
