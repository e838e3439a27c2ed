/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalogue.h"

#include <string.h>
#include <abi/tables/reads.h>
#include <abi/tables/waits.h>

#define PROGRAM(name, when, row, copy, by, at, flags) \
	{ name, { TNB_IF_##when, row, copy }, TNB_BY_##by, TNB_AT_##at, flags },
#define MAP(name, when, row, flags, worker) \
	{ name, { TNB_IF_##when, row, 0 }, flags, worker },

/* Rows of programs.h. */
#define PROGRAM_ROW(name, when, by, at, flags) \
	PROGRAM(#name, when, 0, 0, by, at, flags)
#define MAP_ROW(name, flags) MAP(#name, ALWAYS, 0, flags, NULL)
#define ARRAY_ROW(name, when, worker) MAP(#name, when, 0, TNB_KEPT, #worker)

/* What a worker does with the time: it lies in user memory, or the loader
 * changes it (bpf/read/call.bpf.h). */
#define WORKER_clock_gettime TNB_WRITES
#define WORKER_gettimeofday TNB_WRITES
#define WORKER_adjtimex TNB_WRITES
#define WORKER_clock_adjtime TNB_WRITES
#define WORKER_time 0
#define WORKER_times 0

/* bpf/read/clock_read_fexit.bpf.c */
#define READ_ROWS(name, function, worker, layout)                         \
	PROGRAM("fexit_" #name, READ, TNB_DOOR_##name, 0, SECTION, READS, \
		TNB_KEPT)                                                 \
	PROGRAM("read_" #name, READ, TNB_DOOR_##name, 0, ARRAY, READS,    \
		WORKER_##worker)
#define READ_ARRAY(name, function, worker, layout) \
	MAP("door_" #name, READ, TNB_DOOR_##name, TNB_KEPT, "read_" #name)

/* bpf/wait/deadline_fentry.bpf.c: the way out first, see TNB_PROGRAMS. */
#define WAIT_ROWS(function, holds, arguments)                               \
	PROGRAM("deadline_out_" #holds, WAIT, TNB_COPY_##holds, 0, SECTION, \
		WAITS, TNB_WRITES)                                          \
	PROGRAM("deadline_in_" #holds, WAIT, TNB_COPY_##holds, 0, SECTION,  \
		WAITS, TNB_WRITES)

/* bpf/read/clock_time.bpf.c */
#define TIME_ROW(number, name)                                                \
	PROGRAM("fmod_ret_" #name "_" #number, TIME, TNB_TIME_##name, number, \
		SECTION, HOOK,                                                \
		TNB_WRITES | ((number) + 1 < TNB_TIME_COPIES ? TNB_SPARE : 0))
#define TIME_ROWS(name, function, worker, layout) \
	TNB_EACH_TIME_COPY(TIME_ROW, name)

#define END_ROW              \
	{                    \
		.name = NULL \
	}

const struct tnb_program tnb_programs[] = {
	TNB_PROGRAMS(PROGRAM_ROW) TNB_TIME_DOORS(TIME_ROWS)
		TNB_COPIES(WAIT_ROWS) TNB_READ_DOORS(READ_ROWS) END_ROW
};

const struct tnb_map tnb_maps[] = { TNB_MAPS(MAP_ROW) TNB_READ_DOORS(
	READ_ARRAY) TNB_DOOR_ARRAYS(ARRAY_ROW) END_ROW };

const struct tnb_program *tnb_catalogue_program(const char *name)
{
	for (const struct tnb_program *row = tnb_programs; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

const struct tnb_map *tnb_catalogue_map(const char *name)
{
	for (const struct tnb_map *row = tnb_maps; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}
