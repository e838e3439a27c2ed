/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cgroup.h"
#include "commands.h"

#include <stdlib.h>

enum { CGROUP = 1 };

static void enter_option(const struct command *command, int val,
			 const char *value, void *input)
{
	char **cgroup = input;

	(void)command;
	(void)val;
	free(*cgroup);
	*cgroup = cgroup_resolve(value);
}

static int run_enter(const struct command *command, int argc, const char **argv)
{
	char *cgroup = NULL;
	const char **rest =
		command_parse(command, enter_option, &cgroup, argc, argv);
	int err;

	if (!cgroup)
		command_usage(command, "--cgroup is missing");
	if (!rest || !*rest)
		command_usage(command, "a command to run is missing");
	err = tnb_cgroup_enter(cgroup);
	free(cgroup);
	return err ? command_fail(EXIT_OWN_FAILURE) : command_execute(rest);
}

static const struct poptOption options[] = { CGROUP_OPTION(CGROUP),
					     COMMAND_HELP_OPTION,
					     POPT_TABLEEND };

static const char *const examples[] = {
	"timensbpf enter --cgroup /system.slice/db1.service -- date", NULL
};

const struct command command_enter = {
	.name = "enter",
	.arguments = "--cgroup PATH -- COMMAND [ARGUMENT...]",
	.summary = "run a command in an existing cgroup",
	.options = options,
	.examples = examples,
	.run = run_enter,
};
