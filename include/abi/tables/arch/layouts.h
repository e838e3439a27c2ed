/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shapes of the kernel's data, of the architecture that is compiled for. */
#ifndef TIMENSBPF_ABI_TABLES_ARCH_LAYOUTS_H
#define TIMENSBPF_ABI_TABLES_ARCH_LAYOUTS_H

/* 32-bit code runs on the same kernels. */
#if defined(__x86_64__) || defined(__i386__) || defined(__TARGET_ARCH_x86)
#include <abi/tables/arch/x86_64/layouts.h>
#else
#error "no tables of this architecture"
#endif

#endif
