/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that others chose, for a terminal or JSON. */
#ifndef TIMENSBPF_CLI_ESCAPE_H
#define TIMENSBPF_CLI_ESCAPE_H

/*
 * A copy of `text` that is valid UTF-8 in one line: printable characters stay,
 * every byte of anything else becomes \xNN. Else are: bytes that are no UTF-8,
 * control characters, and characters that change the order or the lines of
 * others. A backslash stays: systemd has it in names of units. To be freed;
 * NULL: out of memory.
 */
char *escape(const char *text);

#endif
