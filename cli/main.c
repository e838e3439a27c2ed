/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"
#include "commands.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
	{ "run", "[CLOCKS] [--name NAME] -- COMMAND [ARGUMENT...]",
	  "run a command in a fresh cgroup with its own time", command_run },
	{ "set", "--cgroup PATH|--pid PID CLOCKS [--force]",
	  "give a cgroup its own time, or change it", command_set },
	{ "unset", "--cgroup PATH|--pid PID [--force]",
	  "let a cgroup follow its parent again", command_unset },
	{ "show", "[--json]",
	  "list cgroups with their own time, and what was missed",
	  command_show },
	{ "enter", "--cgroup PATH -- COMMAND [ARGUMENT...]",
	  "run a command in an existing cgroup", command_enter },
	{ "load", "[--attach HOW]", "load the BPF programs and pin them",
	  command_load },
	{ "unload", "[--force]", "end all rules and remove everything",
	  command_unload },
	{ "doctor", "[--json]",
	  "tell what works on this machine and what to do about the rest",
	  command_doctor },
};
const size_t command_count = sizeof(commands) / sizeof(*commands);

static int help(void)
{
	puts("Usage: timensbpf COMMAND [OPTION...]\n"
	     "Give any group of processes its own time.\n");
	for (size_t i = 0; i < command_count; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\nExamples:\n"
	     "  timensbpf run --realtime +3d -- date\n"
	     "  timensbpf run --realtime '2038-01-19 03:14:00Z' -- bash\n"
	     "  timensbpf set --cgroup /sys/fs/cgroup/db1 --realtime -90s\n"
	     "\n'timensbpf COMMAND --help' tells more; 'timensbpf --version' the version.");
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name)
		command_usage(NULL, "a command is missing");
	if (!strcmp(name, "--help") || !strcmp(name, "help"))
		return help();
	if (!strcmp(name, "--version"))
		return printf("timensbpf %s\n", tnb_version()) < 0;
	for (size_t i = 0; i < command_count; i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(&commands[i], argc - 1,
					       (const char **)argv + 1);
	command_usage(NULL, "there is no command '%s'", name);
}
