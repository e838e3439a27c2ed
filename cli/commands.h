/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of the table in main.c, a file each. Return the exit status. */
#ifndef TIMENSBPF_CLI_COMMANDS_H
#define TIMENSBPF_CLI_COMMANDS_H

#include "command.h"

int command_run(const struct command *command, int argc, const char **argv);
int command_set(const struct command *command, int argc, const char **argv);
int command_unset(const struct command *command, int argc, const char **argv);
int command_show(const struct command *command, int argc, const char **argv);
int command_enter(const struct command *command, int argc, const char **argv);
int command_load(const struct command *command, int argc, const char **argv);
int command_unload(const struct command *command, int argc, const char **argv);
int command_doctor(const struct command *command, int argc, const char **argv);

#endif
