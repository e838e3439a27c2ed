/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

enum { CGROUP = 1 };

static void enter_option(const struct command *command, int val,
			 const char *value, void *input)
{
	char **cgroup = input;

	(void)command;
	(void)val;
	free(*cgroup);
	*cgroup = strdup(value);
}

int command_enter(const struct command *command, int argc, const char **argv)
{
	static const struct poptOption options[] = {
		{ "cgroup", '\0', POPT_ARG_STRING, NULL, CGROUP,
		  "the cgroup v2 directory", "PATH" },
		POPT_AUTOHELP POPT_TABLEEND
	};
	char *cgroup = NULL;
	const char **rest = command_parse(command, options, enter_option,
					  &cgroup, argc, argv);
	int err;

	if (!cgroup)
		command_usage(command, "--cgroup is missing");
	if (!rest || !*rest)
		command_usage(command, "a command to run is missing");
	err = tnb_cgroup_enter(cgroup);
	free(cgroup);
	return err ? command_fail(EXIT_OWN_FAILURE) : command_execute(rest);
}
