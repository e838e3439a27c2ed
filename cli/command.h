/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subcommands as data: one table (main.c) from which the list in --help, the
 * search for a command and its own help come.
 */
#ifndef TIMENSBPF_CLI_COMMAND_H
#define TIMENSBPF_CLI_COMMAND_H

#include <popt.h>
#include <stddef.h>
#include <timensbpf/timensbpf.h>

/* Exit statuses; run and enter have their own, as env(1). */
enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_OWN_FAILURE = 125,
	EXIT_CANNOT_EXECUTE = 126,
	EXIT_NOT_FOUND = 127,
};

struct command {
	const char *name;
	const char *arguments; /* as help shows them */
	const char *summary;   /* one line */
	int (*run)(const struct command *command, int argc, const char **argv);
};

extern const struct command commands[];
extern const size_t command_count;

/* What an option's `val` in the table is handled by: 0 goes on. */
typedef void (*command_option)(const struct command *command, int val,
			       const char *value, void *input);

/*
 * Parse the options of a command up to its first argument. Returns the
 * arguments (NULL-terminated, as long as the process lives; NULL if none).
 * --help and misuse do not return.
 */
const char **command_parse(const struct command *command,
			   const struct poptOption *options,
			   command_option option, void *input, int argc,
			   const char **argv);

/* As command_parse(), for commands that take no arguments. */
void command_parse_only_options(const struct command *command,
				const struct poptOption *options,
				command_option option, void *input, int argc,
				const char **argv);

/* One line on stderr, "timensbpf: …", and exit with EXIT_USAGE. */
__attribute__((noreturn, format(printf, 2, 3))) void
command_usage(const struct command *command, const char *format, ...);

/* The library's line on stderr. Returns `status`. */
int command_fail(int status);

/* Become `argv`, or say why not: 126, 127 as env(1). */
int command_execute(const char **argv);

#endif
