/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of include/abi/tables/programs.h, and those that its programs for
 * each read door, wait and time door have. */
#ifndef TIMENSBPF_LOADER_KERNEL_CATALOGUE_H
#define TIMENSBPF_LOADER_KERNEL_CATALOGUE_H

#include <linux/types.h>
#include <abi/tables/programs.h>

/* When a part is wanted. */
struct tnb_condition {
	enum tnb_if when;
	unsigned int row;  /* of the table that `when` speaks of */
	unsigned int copy; /* TNB_IF_TIME: which of them */
};

struct tnb_program {
	const char *name; /* also of its pin, and of its link if it has one */
	struct tnb_condition wanted;
	enum tnb_by by;
	enum tnb_at at;
	unsigned int flags; /* enum tnb_part_flag */
};

struct tnb_map {
	const char *name; /* also of its pin */
	struct tnb_condition wanted;
	unsigned int flags;
	const char *worker; /* a door array: the program of its entry 0 */
};

/* The first rows are those of enum tnb_program_id and enum tnb_map_id; the last
 * has no name. */
extern const struct tnb_program tnb_programs[];
extern const struct tnb_map tnb_maps[];

/* NULL: no such row. */
const struct tnb_program *tnb_catalogue_program(const char *name);
const struct tnb_map *tnb_catalogue_map(const char *name);

#endif
