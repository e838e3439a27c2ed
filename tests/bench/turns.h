/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers that take turns on one CPU, and what becomes of their times. */
#ifndef TIMENSBPF_TESTS_BENCH_TURNS_H
#define TIMENSBPF_TESTS_BENCH_TURNS_H

#include "ops.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format,
							 ...);

/* Of a program of the bench: they lie side by side. */
void program_path(char path[PATH_MAX], const char *name);

extern const char *const op_key[OPS];
extern const char *const op_label[OPS];

struct worker {
	pid_t pid; /* 0: none */
	int to, from;
};

/* This process and all that it starts: the last CPU that it may use. */
void pin_to_one_cpu(void);

/* `cgroup`: a directory, or NULL for where the caller is. */
void worker_start(struct worker *worker, const char *cgroup);
void worker_stop(struct worker *worker);
struct turn_reply worker_ask(const struct worker *worker, enum op op,
			     uint32_t calls);

/* Nanoseconds of one call, in one turn. */
double worker_time(const struct worker *worker, enum op op);

struct samples {
	double *value;
	size_t count, space;
};

void samples_add(struct samples *samples, double value);
/* NAN if there are none. Sorts them. */
double samples_quantile(struct samples *samples, double part);
double samples_median(struct samples *samples);

#endif
