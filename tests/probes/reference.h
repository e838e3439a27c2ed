/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's clocks, read by another process: clock_reference, a process that
 * stays outside of every virtual cgroup and answers on a datagram socket. Two
 * of its answers around a reading are an exact bracket: no tolerance needed.
 */
#ifndef TIMENSBPF_TESTS_PROBES_REFERENCE_H
#define TIMENSBPF_TESTS_PROBES_REFERENCE_H

#include "raw.h"

/* Row of a reference besides those of the clocks: adjtimex's return value. */
#define REFERENCE_TIMEX RAW_CLOCKS
#define REFERENCE_ROWS (RAW_CLOCKS + 1)

struct reference {
	int64_t ret[REFERENCE_ROWS];
	int64_t ns[REFERENCE_ROWS];
};

/* Read the clocks of the calling process by raw system calls. */
void reference_read(struct reference *reference);

/* Connect to the server at `path`; a connection belongs to one thread and
 * process. Ends the process on failure. */
int reference_connect(const char *path);
void reference_ask(int fd, struct reference *reference);

#endif
