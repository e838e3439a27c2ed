/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTACH = 1, FORCE };

static const char *const attach_names[] = {
	[TNB_ATTACH_AUTO] = "auto",
	[TNB_ATTACH_FEXIT] = "fexit",
	[TNB_ATTACH_SESSION] = "session",
	[TNB_ATTACH_KRETPROBE] = "kretprobe",
};

static void load_option(const struct command *command, int val,
			const char *value, void *input)
{
	enum tnb_read_attach *attach = input;

	(void)val;
	for (size_t i = 0; i < sizeof(attach_names) / sizeof(*attach_names);
	     i++)
		if (!strcmp(value, attach_names[i])) {
			*attach = (enum tnb_read_attach)i;
			return;
		}
	command_usage(
		command,
		"--attach: '%s' is none of auto, fexit, session, kretprobe",
		value);
}

static void say_gaps_of_lockdown(void)
{
	char *line = NULL;

	if (tnb_known_gaps(&line) > 0)
		command_say("note: %s; keep timensbpfd running", line);
	free(line);
}

static int run_load(const struct command *command, int argc, const char **argv)
{
	static const char *const said[] = {
		[TNB_LOAD_FRESH] = "loaded",
		[TNB_LOAD_CURRENT] = "was loaded already",
		[TNB_LOAD_REPLACED] = "took over from another version",
	};
	enum tnb_read_attach attach = TNB_ATTACH_AUTO;
	int result;

	command_parse_only_options(command, load_option, &attach, argc, argv);
	result = tnb_load(attach);
	if (result < 0)
		return command_fail(EXIT_FAILED);
	printf("version %s %s\n", tnb_version(), said[result]);
	say_gaps_of_lockdown();
	return 0;
}

static const struct poptOption load_options[] = {
	{ "attach", '\0', POPT_ARG_STRING, NULL, ATTACH,
	  "how clock reads are corrected; auto: by the kernel's preemption",
	  "auto|fexit|session|kretprobe" },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

const struct command command_load = {
	.name = "load",
	.arguments = "[--attach HOW]",
	.summary = "load the BPF programs and pin them",
	.options = load_options,
	.run = run_load,
};

static void unload_option(const struct command *command, int val,
			  const char *value, void *input)
{
	(void)command;
	(void)val;
	(void)value;
	*(unsigned int *)input |= TNB_FORCE;
}

static int run_unload(const struct command *command, int argc,
		      const char **argv)
{
	unsigned int flags = 0;

	command_parse_only_options(command, unload_option, &flags, argc, argv);
	return tnb_unload(flags) ? command_fail(EXIT_FAILED) : 0;
}

static const struct poptOption unload_options[] = {
	{ "force", '\0', POPT_ARG_NONE, NULL, FORCE,
	  "also if a monotonic clock steps back for living processes", NULL },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

const struct command command_unload = {
	.name = "unload",
	.arguments = "[--force]",
	.summary = "end all rules and remove everything",
	.options = unload_options,
	.run = run_unload,
};
