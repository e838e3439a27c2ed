/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process.h"

#include "base/auxv.h"
#include "base/file.h"

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* startstack, the 28th field of /proc/PID/stat, from the 3rd on after ')'. */
static uint64_t start_of_stack(int proc)
{
	char text[2048], *rest, *word = NULL;

	if (tnb_file_read_at(proc, "stat", text, sizeof(text)) <= 0)
		return 0;
	rest = strrchr(text, ')');
	if (!rest)
		return 0;
	rest += 2;
	for (int field = 3; field <= 28 && rest; field++)
		word = strsep(&rest, " ");
	return word ? strtoull(word, NULL, 10) : 0;
}

static enum tnb_fast find_vdso(const struct tnb_peek *peek, uint64_t stack,
			       unsigned int word)
{
	struct tnb_auxv_entry entry;
	struct tnb_auxv auxv;
	int next;

	if (!stack || tnb_auxv_begin(&auxv, peek, stack, word))
		return TNB_VDSO_UNKNOWN;
	while ((next = tnb_auxv_next(&auxv, &entry)) > 0)
		if (entry.type == AT_SYSINFO_EHDR)
			return TNB_VDSO_VISIBLE;
	return next ? TNB_VDSO_UNKNOWN : TNB_VDSO_HIDDEN;
}

enum tnb_fast tnb_process_auxv(int proc, const struct tnb_peek *peek,
			       bool narrow)
{
	return find_vdso(peek, start_of_stack(proc), narrow ? 4 : 8);
}
