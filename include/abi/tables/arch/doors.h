/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel functions of the clock reads, of the architecture that is compiled
 * for. */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_DOORS_H
#define TIMENSBPF_ABI_TABLES_ARCH_DOORS_H

#if defined(__x86_64__) || defined(__TARGET_ARCH_x86)
#include <abi/tables/arch/x86_64/doors.h>
#else
#error "no tables of this architecture"
#endif

#endif
