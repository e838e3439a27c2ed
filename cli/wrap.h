/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in lines that fit. */
#ifndef TIMENSBPF_CLI_WRAP_H
#define TIMENSBPF_CLI_WRAP_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Print `text`, broken at its spaces so that no line is longer than `width`
 * columns; 0: in one line. The cursor is at `column`; further lines begin at
 * `indent`. A word that is too long for a line stays whole. A character of
 * UTF-8 counts as one column.
 */
void wrap_print(FILE *out, const char *text, int column, int indent, int width);

/* The columns that a text takes. */
int wrap_columns(const char *text);

/* Leave out the middle, for "...", so that it takes `columns` (5 or more). */
void wrap_shorten(char *text, int columns);

#endif
