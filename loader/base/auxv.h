/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The auxiliary vector of a process, read from its stack. The kernel puts there
 * argc, argv, NULL, envp, NULL, auxv (fs/binfmt_elf.c, create_elf_tables).
 */
#ifndef TIMENSBPF_LOADER_BASE_AUXV_H
#define TIMENSBPF_LOADER_BASE_AUXV_H

#include "peek.h"

#include <stddef.h>
#include <stdint.h>
#include <timensbpf/timensbpf.h>

#define TNB_AUXV_BLOCK 4096u

struct tnb_auxv {
	struct tnb_peek peek; /* lent by the caller */
	unsigned int word;    /* size: 8, or 4 for a 32-bit program */
	uint64_t at;	      /* of the next word */
	size_t next, end;     /* within the block, in bytes */
	unsigned int entries; /* returned so far */
	unsigned char block[TNB_AUXV_BLOCK];
};

struct tnb_auxv_entry {
	uint64_t at; /* its address in the process */
	uint64_t type, value;
};

/*
 * Skip what is in front of the vector. `stack`: where the kernel put argc.
 * 0, -EFAULT (memory that cannot be read), -E2BIG (no end within the size that
 * the kernel allows), or another negative errno.
 */
TNB_MUST_CHECK int tnb_auxv_begin(struct tnb_auxv *auxv,
				  const struct tnb_peek *peek, uint64_t stack,
				  unsigned int word);

/* 1, 0 at the end of the vector (AT_NULL), or as tnb_auxv_begin(). */
TNB_MUST_CHECK int tnb_auxv_next(struct tnb_auxv *auxv,
				 struct tnb_auxv_entry *entry);

#endif
