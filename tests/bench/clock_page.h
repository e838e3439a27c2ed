/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule's clock page without BPF. */
#ifndef TIMENSBPF_TESTS_BENCH_CLOCK_PAGE_H
#define TIMENSBPF_TESTS_BENCH_CLOCK_PAGE_H

#include "process/start.h"
#include <stdint.h>

/* What it shows: all clocks so many seconds ahead. */
#define CLOCK_PAGE_AHEAD 259200
#define CLOCK_PAGE_PASS 1

/* A file, to be closed, whose page `slot` it is. Ends the program if there is
 * none to be had. */
int clock_page_make(uint32_t slot);

/* The library's injector with such a page, of this kernel's vDSO; until the
 * program ends. */
void clock_page_injector(uint32_t slot, struct tnb_injector *injector);

#endif
