/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "help.h"

#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
	&command_run,	&command_set,	     &command_unset,  &command_show,
	&command_enter, &command_load,	     &command_unload, &command_doctor,
	&command_help,	&command_completion,
};
const size_t command_count = sizeof(commands) / sizeof(*commands);

static bool is_one_of(const char *name, const char *one, const char *other)
{
	return !strcmp(name, one) || !strcmp(name, other);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	if (!name) {
		help_overview(stderr);
		return EXIT_USAGE;
	}
	if (is_one_of(name, "--help", "-h")) {
		help_overview(stdout);
		return 0;
	}
	if (is_one_of(name, "--version", "-V"))
		return printf("timensbpf %s\n", tnb_version()) < 0;
	command = command_find(name);
	if (!command)
		command_usage(NULL, "there is no command '%s'", name);
	return command->run(command, argc - 1, (const char **)argv + 1);
}
