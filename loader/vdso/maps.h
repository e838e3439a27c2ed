/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own mappings in the text of a /proc/PID/maps. */
#ifndef TIMENSBPF_LOADER_VDSO_MAPS_H
#define TIMENSBPF_LOADER_VDSO_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct tnb_vdso_maps {
	uint64_t vdso, vdso_end;
	uint64_t vvar; /* the first of [vvar], [vvar_vclock]; 0: none */
};

/* 0, -ENOENT (no [vdso]) or -EINVAL (not such a text, or a [vdso] in pieces).
 * `text` needs no terminator. */
int tnb_vdso_maps_parse(const char *text, size_t length,
			struct tnb_vdso_maps *maps);

/* Of /proc/`pid`/maps; 0: the caller's own. 0 or -errno. */
int tnb_vdso_maps_read(int pid, struct tnb_vdso_maps *maps);

#endif
