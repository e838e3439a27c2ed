/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is measured, and how the bench asks a worker for it over its standard
 * input and output.
 *
 * X(NAME, key, label, calls in one turn)
 *
 * A turn is well below a millisecond: the machine is shared, and a turn that
 * was interrupted by it should be the exception that a median drops.
 */
#ifndef BENCH_OPS_H
#define BENCH_OPS_H

#include <stdint.h>

#define BENCH_OPS(X)                                                         \
	X(YARDSTICK, yardstick, "raw getppid (no program looks at it)", 400) \
	X(RAW_MONOTONIC, raw_monotonic, "raw clock_gettime(MONOTONIC)", 300) \
	X(RAW_REALTIME, raw_realtime, "raw clock_gettime(REALTIME)", 300)    \
	X(RAW_GETTIMEOFDAY, raw_gettimeofday, "raw gettimeofday", 300)       \
	X(RAW_TIME, raw_time, "raw time", 300)                               \
	X(LIBC_MONOTONIC, libc_monotonic, "libc clock_gettime(MONOTONIC)",   \
	  600)                                                               \
	X(LIBC_REALTIME, libc_realtime, "libc clock_gettime(REALTIME)", 600) \
	X(SPAWN, spawn, "fork, exec, exit of a static program", 1)

#define BENCH_OP_ENUM(NAME, key, label, calls) OP_##NAME,
enum op { BENCH_OPS(BENCH_OP_ENUM) OPS };
#undef BENCH_OP_ENUM

struct turn_request {
	uint32_t op;
	uint32_t calls;
};

struct turn_reply {
	uint64_t cycles; /* of the time stamp counter, all calls together */
	int64_t value;	 /* what the last call read, in ns; 0 if no clock */
};

#endif
