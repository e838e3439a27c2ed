/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stack of a program that has not begun (fs/binfmt_elf.c,
 * create_elf_tables): argc, argv, NULL, envp, NULL, auxv. */
#ifndef TIMENSBPF_LOADER_INJECT_STACK_H
#define TIMENSBPF_LOADER_INJECT_STACK_H

#include "tracee.h"

/*
 * The entry of the auxiliary vector that tells of the vDSO, or told of it
 * until it was hidden (bpf/life/exec.bpf.c). *entry: its address, *vdso: its
 * value. -ENOENT: there is none.
 */
TNB_MUST_CHECK int tnb_stack_find_vdso(const struct tnb_tracee *tracee,
				       __u64 sp, __u64 *entry, __u64 *vdso);

#endif
