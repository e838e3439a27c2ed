/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <stdio.h>
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

int command_load(const struct command *command, int argc, const char **argv)
{
	static const char *const said[] = {
		[TNB_LOAD_FRESH] = "loaded",
		[TNB_LOAD_CURRENT] = "was loaded already",
		[TNB_LOAD_REPLACED] = "took over from another version",
	};
	static const struct poptOption options[] = {
		{ "attach", '\0', POPT_ARG_STRING, NULL, ATTACH,
		  "how clock reads are corrected: auto (by the kernel's preemption), fexit, session, kretprobe",
		  "HOW" },
		POPT_AUTOHELP POPT_TABLEEND
	};
	enum tnb_read_attach attach = TNB_ATTACH_AUTO;
	int result;

	command_parse_only_options(command, options, load_option, &attach, argc,
				   argv);
	result = tnb_load(attach);
	if (result < 0)
		return command_fail(EXIT_FAILED);
	printf("version %s %s\n", tnb_version(), said[result]);
	return 0;
}

static void unload_option(const struct command *command, int val,
			  const char *value, void *input)
{
	(void)command;
	(void)val;
	(void)value;
	*(unsigned int *)input |= TNB_FORCE;
}

int command_unload(const struct command *command, int argc, const char **argv)
{
	static const struct poptOption options[] = {
		{ "force", '\0', POPT_ARG_NONE, NULL, FORCE,
		  "also if a monotonic clock steps back for living processes",
		  NULL },
		POPT_AUTOHELP POPT_TABLEEND
	};
	unsigned int flags = 0;

	command_parse_only_options(command, options, unload_option, &flags,
				   argc, argv);
	return tnb_unload(flags) ? command_fail(EXIT_FAILED) : 0;
}
