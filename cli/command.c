/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void command_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	fputs("timensbpf: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see 'timensbpf %s%s--help'\n",
		command ? command->name : "", command ? " " : "");
	exit(EXIT_USAGE);
}

int command_fail(int status)
{
	fprintf(stderr, "timensbpf: %s\n", tnb_error_message());
	return status;
}

static poptContext make_context(const struct command *command,
				const struct poptOption *options, int argc,
				const char **argv)
{
	static char name[64];
	poptContext context;

	snprintf(name, sizeof(name), "timensbpf %s", command->name);
	argv[0] = name;
	context = poptGetContext(name, argc, argv, options,
				 POPT_CONTEXT_POSIXMEHARDER);
	if (!context) {
		fputs("timensbpf: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	poptSetOtherOptionHelp(context, command->arguments);
	return context;
}

/* The context lives on: the arguments are its. */
const char **command_parse(const struct command *command,
			   const struct poptOption *options,
			   command_option option, void *input, int argc,
			   const char **argv)
{
	poptContext context = make_context(command, options, argc, argv);
	int val;

	while ((val = poptGetNextOpt(context)) > 0) {
		char *value = poptGetOptArg(context);

		option(command, val, value, input);
		free(value);
	}
	if (val < -1)
		command_usage(command, "%s: %s", poptBadOption(context, 0),
			      poptStrerror(val));
	return poptGetArgs(context);
}

void command_parse_only_options(const struct command *command,
				const struct poptOption *options,
				command_option option, void *input, int argc,
				const char **argv)
{
	const char **rest =
		command_parse(command, options, option, input, argc, argv);

	if (rest && *rest)
		command_usage(command, "unexpected argument '%s'", *rest);
}

int command_execute(const char **argv)
{
	int err;

	/* execvp() does not change the strings; its type is older than const.
	 */
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	err = errno;
	fprintf(stderr, "timensbpf: cannot execute '%s': %s\n", argv[0],
		strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}
