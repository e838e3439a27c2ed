/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's turns of waits. */
#ifndef TIMENSBPF_TESTS_BENCH_WAITS_H
#define TIMENSBPF_TESTS_BENCH_WAITS_H

#include "ops.h"

/* Ends the process if a call fails, or does not return. */
struct turn_reply wait_turn(enum op op, uint32_t calls);

#endif
