/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process.h"

#include "base/auxv.h"
#include "base/proc.h"

#include <elf.h>
#include <stdint.h>

/* startstack of /proc/PID/stat */
#define FIELD_STACK 28

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
	return find_vdso(peek, tnb_proc_stat_field(proc, FIELD_STACK),
			 narrow ? 4 : 8);
}
