/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own mappings in the text of a /proc/PID/maps. */
#ifndef TIMENSBPF_LOADER_BASE_MAPS_H
#define TIMENSBPF_LOADER_BASE_MAPS_H

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

/* Where the mappings end, in order of address. */
struct tnb_maps_ends {
	uint64_t *begin, *end; /* to be freed by tnb_maps_ends_free() */
	size_t count;
};

/* Of /proc/`pid`/maps. 0 or
 * -errno. */
int tnb_maps_ends_read(int pid, struct tnb_maps_ends *ends);
void tnb_maps_ends_free(struct tnb_maps_ends *ends);
/* The end of the mapping that the address is in, 0: it is in none. */
uint64_t tnb_maps_end_of(const struct tnb_maps_ends *ends, uint64_t address);

/* Of /proc/`pid`/maps; 0: the caller's own. 0 or -errno. */
int tnb_vdso_maps_read(int pid, struct tnb_vdso_maps *maps);

#endif
