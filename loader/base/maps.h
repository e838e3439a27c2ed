/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mappings of a process, as /proc/PID/maps lists them (proc(5)). */
#ifndef TIMENSBPF_LOADER_BASE_MAPS_H
#define TIMENSBPF_LOADER_BASE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <timensbpf/timensbpf.h>

/* ---- One line ----------------------------------------------------------- */

struct tnb_mapping {
	uint64_t begin, end;
	uint64_t offset; /* in the file */
	uint64_t inode;	 /* 0: no file */
	bool is_private; /* what is written does not reach the file */
	const char *name;
	size_t name_length; /* 0: it has no name */
};

/* `line` needs no terminator. 0 or -EINVAL. */
TNB_MUST_CHECK int tnb_maps_parse_line(const char *line, size_t length,
				       struct tnb_mapping *mapping);
bool tnb_maps_is_named(const struct tnb_mapping *mapping, const char *name);

/* ---- All lines, one after the other -------------------------------------- */

struct tnb_maps {
	FILE *file;
	char *line;
	size_t size;
};

/* `proc`: the directory of a process in /proc. 0, or -errno and nothing to be
 * closed. */
TNB_MUST_CHECK int tnb_maps_open(int proc, struct tnb_maps *maps);
/* 1; 0 after the last; -EBADMSG: not a line of that kind, and the next one may
 * be; or another -errno. The name is valid until the next call. */
TNB_MUST_CHECK int tnb_maps_next(struct tnb_maps *maps,
				 struct tnb_mapping *mapping);
void tnb_maps_close(struct tnb_maps *maps);

/* ---- The kernel's own mappings ------------------------------------------- */

struct tnb_vdso_maps {
	uint64_t vdso, vdso_end;
	uint64_t vvar; /* the first of [vvar], [vvar_vclock]; 0: none */
};

/* Take one line after the other into what begins as zeros. 0, or -EINVAL: a
 * [vdso] in pieces. */
TNB_MUST_CHECK int tnb_vdso_maps_add(struct tnb_vdso_maps *maps,
				     const struct tnb_mapping *mapping);

/* 0, -ENOENT (no [vdso]) or -EINVAL (not such a text, or a [vdso] in pieces).
 * `text` needs no terminator. */
TNB_MUST_CHECK int tnb_vdso_maps_parse(const char *text, size_t length,
				       struct tnb_vdso_maps *maps);

/* Of /proc/`pid`/maps; 0: the caller's own. As tnb_vdso_maps_parse(), or
 * another -errno. */
TNB_MUST_CHECK int tnb_vdso_maps_read(int pid, struct tnb_vdso_maps *maps);

/* ---- What is behind memory ------------------------------------------------
 */

/* Whether writing to the address of a page that can be read now needs no file
 * system but the kernel's own for shared memory, and so waits for no server.
 * `pid`: of any thread. */
bool tnb_maps_is_of_kernel(int pid, uint64_t address);

/* ---- Where mappings end -------------------------------------------------- */

/* In order of address. */
struct tnb_maps_ends {
	struct tnb_maps_range {
		uint64_t begin, end;
		bool is_anonymous; /* no file is behind it */
	} * range;		   /* to be freed by tnb_maps_ends_free() */
	size_t count, space;
};

/* Of /proc/`pid`/maps; 0: the caller's own. 0 or -errno; free in any case. */
TNB_MUST_CHECK int tnb_maps_ends_read(int pid, struct tnb_maps_ends *ends);
void tnb_maps_ends_free(struct tnb_maps_ends *ends);
/* The mapping that holds the address; NULL: none does. */
const struct tnb_maps_range *tnb_maps_range_of(const struct tnb_maps_ends *ends,
					       uint64_t address);

#endif
