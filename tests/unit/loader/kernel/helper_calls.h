/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which helpers of the kernel the programs of a BPF object call. */
#ifndef TIMENSBPF_TESTS_UNIT_LOADER_KERNEL_HELPER_CALLS_H
#define TIMENSBPF_TESTS_UNIT_LOADER_KERNEL_HELPER_CALLS_H

#include <stdbool.h>

/* Whether `program` of the object file `elf` calls the helper with that number
 * (enum bpf_func_id), itself or by functions and callbacks of the object. */
bool helper_calls_has(const void *elf, const char *program, int helper);

#endif
