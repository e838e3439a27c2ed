/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "command.h"

#include "escape.h"
#include "help.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void vsay(const char *format, va_list args, const char *end)
{
	char *line = NULL, *shown = NULL;

	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	if (line)
		shown = escape(line);
	fprintf(stderr, "timensbpf: %s%s\n", shown ? shown : "out of memory",
		end);
	free(line);
	free(shown);
}

void command_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args, "");
	va_end(args);
}

void command_usage(const struct command *command, const char *format, ...)
{
	char end[64];
	va_list args;

	snprintf(end, sizeof(end), "; see 'timensbpf %s%s--help'",
		 command ? command->name : "", command ? " " : "");
	va_start(args, format);
	vsay(format, args, end);
	va_end(args);
	exit(EXIT_USAGE);
}

int command_fail(int status)
{
	command_say("%s", tnb_error_message());
	return status;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

static bool is_table(const struct poptOption *option)
{
	return (option->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE;
}

static bool is_last(const struct poptOption *option)
{
	return !option->longName && !is_table(option);
}

static void each_of(const struct command *command,
		    const struct poptOption *options, const char *heading,
		    command_visit visit, void *context)
{
	for (; !is_last(options); options++)
		if (!is_table(options) &&
		    !(options->argInfo & POPT_ARGFLAG_DOC_HIDDEN))
			visit(command, options, heading, context);
}

void command_each_option(const struct command *command, command_visit visit,
			 void *context)
{
	for (const struct poptOption *option = command->options;
	     !is_last(option); option++)
		if (is_table(option))
			each_of(command, option->arg, option->descrip, visit,
				context);
	each_of(command, command->options, NULL, visit, context);
}

void command_option_is_given(const struct command *command, int val,
			     const char *value, void *input)
{
	(void)command;
	(void)val;
	(void)value;
	*(bool *)input = true;
}

/* It is never freed: the arguments are its own. */
static poptContext make_context(const struct command *command, int argc,
				const char **argv)
{
	static poptContext context;

	context = poptGetContext(command->name, argc, argv, command->options,
				 POPT_CONTEXT_POSIXMEHARDER);
	if (!context) {
		command_say("out of memory");
		exit(EXIT_FAILED);
	}
	return context;
}

const char **command_parse(const struct command *command, command_option option,
			   void *input, int argc, const char **argv)
{
	poptContext context = make_context(command, argc, argv);
	int val;

	while ((val = poptGetNextOpt(context)) > 0) {
		char *value = poptGetOptArg(context);

		if (val == COMMAND_HELP) {
			help_of(stdout, command);
			exit(0);
		}
		option(command, val, value, input);
		free(value);
	}
	if (val < -1)
		command_usage(command, "%s: %s", poptBadOption(context, 0),
			      poptStrerror(val));
	return poptGetArgs(context);
}

void command_parse_only_options(const struct command *command,
				command_option option, void *input, int argc,
				const char **argv)
{
	const char **rest = command_parse(command, option, input, argc, argv);

	if (rest && *rest)
		command_usage(command, "unexpected argument '%s'", *rest);
}

int command_execute(const char **argv)
{
	int err;

	/* execvp() leaves the strings as they are; its type is older than
	 * const. */
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	err = errno;
	command_say("cannot execute '%s': %s", argv[0], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}
