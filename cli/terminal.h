/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be done with the terminal behind a stream. */
#ifndef TIMENSBPF_CLI_TERMINAL_H
#define TIMENSBPF_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#define TERMINAL_USUAL 80

/* Columns, 0: the stream is no terminal. */
int terminal_width(FILE *out);

/* A terminal that understands escape sequences: TERM is set and not "dumb". */
bool terminal_takes_sequences(FILE *out);

/* The same, unless NO_COLOR is set (https://no-color.org). */
bool terminal_takes_colour(FILE *out);

#endif
