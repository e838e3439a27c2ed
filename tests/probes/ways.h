/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways by which a program comes to a fast reading, each with every function
 * that reads: the vDSO as it is found by each of vdso_lookup.h, the C library;
 * and the system call, which is right on any way. Cheap enough for each of
 * thousands of starts; doors.h asks more, and a reference.
 */
#ifndef TIMENSBPF_TESTS_PROBES_WAYS_H
#define TIMENSBPF_TESTS_PROBES_WAYS_H

#include "vdso_lookup.h"

#include <stdbool.h>
#include <stdint.h>

enum { WAY_LIBC = VDSO_WAYS, WAY_RAW, WAYS };

struct ways_door {
	int way;
	const char *function;
	int clock;	 /* RAW_REALTIME, RAW_MONOTONIC or RAW_BOOTTIME */
	int64_t unit_ns; /* to which the value is cut */
};

enum ways_result {
	WAYS_READ,
	WAYS_ABSENT, /* no vDSO found that way */
	WAYS_NO_WAY, /* this kernel does not have that way */
	WAYS_CALLED, /* a system call was made, and refused: ways_forbid() */
};

/* Call first; finds the vDSO by all ways. */
void ways_begin(char **environ_at_start);

/* From now on the vDSO's and the C library's system calls for a clock fail. */
bool ways_forbid_calls(void);

/* The doors, by number: NULL at their end. */
unsigned int ways_count(void);
const struct ways_door *ways_door(unsigned int number);
const char *ways_name(int way);

enum ways_result ways_read(const struct ways_door *door, int64_t *ns);

/* By system call, forbidden or not */
int64_t ways_call(int clock);

#endif
