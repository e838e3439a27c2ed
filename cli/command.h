/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subcommands as data: one table (main.c), a row a command. Help, completion
 * and the check of the manual page are made from it.
 */
#ifndef TIMENSBPF_CLI_COMMAND_H
#define TIMENSBPF_CLI_COMMAND_H

#include <popt.h>
#include <stdbool.h>
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
	/* An argDescrip with '|' lists all values that the option takes. */
	const struct poptOption *options;
	const char *const *examples; /* to be typed as they are, NULL at the end
				      */
	int (*run)(const struct command *command, int argc, const char **argv);
};

extern const struct command *const commands[];
extern const size_t command_count;

/* The row of that name, or NULL. */
const struct command *command_find(const char *name);

/* Every table of options ends with this row and POPT_TABLEEND. */
#define COMMAND_HELP 0x1000
#define COMMAND_HELP_OPTION                                     \
	{                                                       \
		"help", 'h', POPT_ARG_NONE, NULL, COMMAND_HELP, \
			"show this help", NULL                  \
	}

/* The options of a command one by one, those of included tables first.
 * `heading`: of the included table, NULL in the command's own. */
typedef void (*command_visit)(const struct command *command,
			      const struct poptOption *option,
			      const char *heading, void *context);
void command_each_option(const struct command *command, command_visit visit,
			 void *context);

/* Called for each option given, with the `val` of its row. */
typedef void (*command_option)(const struct command *command, int val,
			       const char *value, void *input);

/* An option without a value: *input, a bool, becomes true. */
void command_option_is_given(const struct command *command, int val,
			     const char *value, void *input);

/*
 * Parse the options of a command up to its first argument. Returns the
 * arguments (NULL-terminated, as long as the process lives; NULL if none).
 * --help and misuse do not return.
 */
const char **command_parse(const struct command *command, command_option option,
			   void *input, int argc, const char **argv);

/* As command_parse(), for commands that take no arguments. */
void command_parse_only_options(const struct command *command,
				command_option option, void *input, int argc,
				const char **argv);

/* One line on stderr, "timensbpf: …"; names in it are shown escaped. */
__attribute__((format(printf, 1, 2))) void command_say(const char *format, ...);

/* The same, with a pointer to the help, and exit with EXIT_USAGE. */
__attribute__((noreturn, format(printf, 2, 3))) void
command_usage(const struct command *command, const char *format, ...);

/* The library's line on stderr. Returns `status`. */
int command_fail(int status);

/* Become `argv`, or say why not: 126, 127 as env(1). */
int command_execute(const char **argv);

#endif
