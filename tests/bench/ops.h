/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is measured, and how the bench asks a worker for it over its standard
 * input and output.
 *
 * X(NAME, key, label, enum op_kind, calls in one turn)
 *
 * A turn is well below a millisecond: the machine is shared, and a turn that
 * was interrupted by it should be the exception that a median drops. Where one
 * call takes longer than that, it is a turn.
 */
#ifndef TIMENSBPF_TESTS_BENCH_OPS_H
#define TIMENSBPF_TESTS_BENCH_OPS_H

#include <stdbool.h>
#include <stdint.h>

enum op_kind {
	IS_YARDSTICK,
	IS_READ,  /* of a clock */
	IS_START, /* of a program */
	IS_SLEEP, /* until a deadline on MONOTONIC */
	IS_WAIT,  /* that returns at once */
};

#define BENCH_OPS(X)                                                           \
	X(YARDSTICK, yardstick, "raw getppid (no program looks at it)",        \
	  IS_YARDSTICK, 400)                                                   \
	X(RAW_MONOTONIC, raw_monotonic, "raw clock_gettime(MONOTONIC)",        \
	  IS_READ, 300)                                                        \
	X(RAW_REALTIME, raw_realtime, "raw clock_gettime(REALTIME)", IS_READ,  \
	  300)                                                                 \
	X(RAW_GETTIMEOFDAY, raw_gettimeofday, "raw gettimeofday", IS_READ,     \
	  300)                                                                 \
	X(RAW_TIME, raw_time, "raw time", IS_READ, 300)                        \
	X(LIBC_MONOTONIC, libc_monotonic, "libc clock_gettime(MONOTONIC)",     \
	  IS_READ, 600)                                                        \
	X(LIBC_REALTIME, libc_realtime, "libc clock_gettime(REALTIME)",        \
	  IS_READ, 600)                                                        \
	X(SPAWN, spawn, "fork, exec, exit of a static program", IS_START, 1)   \
	X(NANOSLEEP_AHEAD, nanosleep_ahead,                                    \
	  "clock_nanosleep until 1 ms from now", IS_SLEEP, 1)                  \
	X(FUTEX_AHEAD, futex_ahead, "FUTEX_WAIT_BITSET until 1 ms from now",   \
	  IS_SLEEP, 1)                                                         \
	X(NANOSLEEP_PAST, nanosleep_past, "clock_nanosleep until 1 ms ago",    \
	  IS_WAIT, 10)                                                         \
	X(FUTEX_PAST, futex_past, "FUTEX_WAIT_BITSET until 1 ms ago", IS_WAIT, \
	  10)                                                                  \
	X(TIMERFD_ARM, timerfd_arm, "timerfd_settime to 1 h from now",         \
	  IS_WAIT, 50)                                                         \
	X(NANOSLEEP_NONE, nanosleep_none,                                      \
	  "clock_nanosleep for 0 ns, relative", IS_WAIT, 10)                   \
	X(PPOLL_NONE, ppoll_none, "ppoll for 0 ns, relative", IS_WAIT, 50)

#define BENCH_OP_ENUM(NAME, key, label, kind, calls) OP_##NAME,
enum op { BENCH_OPS(BENCH_OP_ENUM) OPS };
#undef BENCH_OP_ENUM

static inline enum op_kind op_kind(enum op op)
{
#define BENCH_OP_KIND(NAME, key, label, kind, calls) kind,
	static const enum op_kind kinds[OPS] = { BENCH_OPS(BENCH_OP_KIND) };
#undef BENCH_OP_KIND

	return kinds[op];
}

static inline bool is_wait(enum op op)
{
	return op_kind(op) == IS_SLEEP || op_kind(op) == IS_WAIT;
}

struct turn_request {
	uint32_t op;
	uint32_t calls;
};

struct turn_reply {
	uint64_t cycles; /* of the time stamp counter, all calls together */
	/* In ns: what the last call read from a clock; how long after its
	 * deadline it ended, if it waited; 0 of others. */
	int64_t value;
};

#endif
