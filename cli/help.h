/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of commands tells people. */
#ifndef TIMENSBPF_CLI_HELP_H
#define TIMENSBPF_CLI_HELP_H

#include "command.h"

#include <stdio.h>

/* All commands, with examples. */
void help_overview(FILE *out);
/* One command: its options and examples. */
void help_of(FILE *out, const struct command *command);

#endif
