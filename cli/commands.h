/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the table in main.c, each beside the code that it names. */
#ifndef TIMENSBPF_CLI_COMMANDS_H
#define TIMENSBPF_CLI_COMMANDS_H

#include "command.h"

extern const struct command command_run;
extern const struct command command_set;
extern const struct command command_unset;
extern const struct command command_show;
extern const struct command command_enter;
extern const struct command command_load;
extern const struct command command_unload;
extern const struct command command_doctor;
extern const struct command command_help;
extern const struct command command_completion;

#endif
