/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the result, as aligned text or as JSON. */
#ifndef TIMENSBPF_TESTS_BENCH_REPORT_H
#define TIMENSBPF_TESTS_BENCH_REPORT_H

#include <stdbool.h>

/* What run.sh makes one table of: rows of the same label of several kernels. */
#define REPORT_BRIEF true
#define REPORT_DETAIL false

/* A heading for the rows that follow. */
void report_section(const char *title);

/* Nanoseconds of a call; beside it, unless `base` is NAN, ratio and difference
 * to it. NAN in `ns`: not measured, no row. */
void report_time(bool brief, const char *label, double ns, double base);

/* The last row is the one that counts here. */
void report_mark(void);

__attribute__((format(printf, 3, 4))) void
report_text(bool brief, const char *label, const char *format, ...);

/* A line on the method, below the table. */
void report_note(const char *text);

void report_print(bool json);

#endif
