/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets as text: +3d, -90s, +1d6h0.5s; what when_parse_delta() reads. */
#ifndef TIMENSBPF_CLI_OFFSET_H
#define TIMENSBPF_CLI_OFFSET_H

#include <stddef.h>
#include <stdint.h>

/* Room for the longest. */
#define OFFSET_SIZE 40

/*
 * The exact offset. One unit where that gives a small number (-90s, +36h), else
 * days, hours, minutes and seconds. "0" for none.
 */
void offset_format(int64_t ns, char text[OFFSET_SIZE]);

/* The same in `width` columns at most, which are no less than 12: if it is
 * longer, its first two units, marked with "~". */
void offset_format_short(int64_t ns, size_t width, char text[OFFSET_SIZE]);

#endif
