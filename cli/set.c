/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cgroup.h"
#include "clocks.h"
#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CGROUP = 1, PID, FORCE };

struct target {
	char *cgroup; /* NULL: not given */
	pid_t pid;    /* 0: not given */
	unsigned int flags;
	struct tnb_change change;
};

static void take_pid(const struct command *command, const char *value,
		     struct target *target)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(value, &end, 10);
	if (errno || *end || end == value || pid <= 0 || pid > INT_MAX)
		command_usage(command, "--pid: '%s' is no process id", value);
	target->pid = (pid_t)pid;
}

static void set_option(const struct command *command, int val,
		       const char *value, void *input)
{
	struct target *target = input;

	if (clocks_take(command, val, value, &target->change))
		return;
	if (val == CGROUP) {
		free(target->cgroup);
		target->cgroup = cgroup_resolve(value);
	} else if (val == PID) {
		take_pid(command, value, target);
	} else if (val == FORCE) {
		target->flags |= TNB_FORCE;
	}
}

static struct poptOption target_options[] = {
	CGROUP_OPTION(CGROUP),
	{ "pid", '\0', POPT_ARG_STRING, NULL, PID,
	  "the cgroup in which this process is", "PID" },
	{ "force", '\0', POPT_ARG_NONE, NULL, FORCE,
	  "also if a monotonic clock steps back for living processes", NULL },
	POPT_TABLEEND
};
#define TARGET_TABLE                                                   \
	{                                                              \
		NULL, '\0', POPT_ARG_INCLUDE_TABLE, target_options, 0, \
			"Which cgroup:", NULL                          \
	}

static int find_cgroup(const struct command *command, struct target *target)
{
	if (!target->cgroup == !target->pid)
		command_usage(command, "give one of --cgroup PATH, --pid PID");
	return target->cgroup ? 0 : tnb_cgroup_of(target->pid, &target->cgroup);
}

/* However it was spelled. */
static bool is_same_directory(const char *one, const char *other)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Processes that could not be changed keep the host's vDSO: said once, with a
 * count, because their time is wrong there. */
static void warn_visible(struct tnb *tnb, const char *cgroup)
{
	struct tnb_rule *rules = NULL;
	int count = tnb_rules_load(tnb, &rules), visible = 0;

	for (int i = 0; i < count; i++) {
		struct tnb_process *processes = NULL;
		int found =
			is_same_directory(rules[i].path, cgroup)
				? tnb_rule_processes(tnb, &rules[i], &processes)
				: 0;

		if (found < 0)
			command_say(
				"note: cannot tell which processes still read the host's time: %s",
				tnb_error_message());
		for (int j = 0; j < found; j++)
			visible += processes[j].vdso == TNB_VDSO_VISIBLE ||
				   processes[j].vdso == TNB_VDSO_FOREIGN ||
				   processes[j].vdso == TNB_VDSO_UNKNOWN;
		free(processes);
	}
	tnb_rules_free(&rules, count > 0 ? (size_t)count : 0);
	if (visible)
		command_say(
			"note: %d processes still read another time than their rule's through the vDSO, most likely the host's; 'timensbpf show --processes' lists them",
			visible);
}

static int set(struct target *target)
{
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (!err)
		err = tnb_rule_set(tnb, target->cgroup, &target->change,
				   target->flags);
	if (!err)
		warn_visible(tnb, target->cgroup);
	tnb_close(&tnb);
	return err ? command_fail(EXIT_FAILED) : 0;
}

static int run_set(const struct command *command, int argc, const char **argv)
{
	struct target target = { 0 };
	int status;

	command_parse_only_options(command, set_option, &target, argc, argv);
	if (!clocks_given(&target.change))
		command_usage(
			command,
			"give a clock: --realtime, --monotonic or --boottime");
	if (find_cgroup(command, &target))
		status = command_fail(EXIT_FAILED);
	else if (tnb_load_if_absent())
		status = command_fail(EXIT_FAILED);
	else
		status = set(&target);
	free(target.cgroup);
	return status;
}

static const struct poptOption set_options[] = { TARGET_TABLE, CLOCKS_TABLE,
						 COMMAND_HELP_OPTION,
						 POPT_TABLEEND };

static const char *const set_examples[] = {
	"timensbpf set --cgroup /system.slice/db1.service --realtime -90s",
	"timensbpf set --pid 1234 --realtime '2038-01-19 03:14:00Z' --monotonic +1h",
	NULL
};

const struct command command_set = {
	.name = "set",
	.arguments = "--cgroup PATH|--pid PID CLOCKS [--force]",
	.summary = "give a cgroup its own time, or change it",
	.options = set_options,
	.examples = set_examples,
	.run = run_set,
};

static int run_unset(const struct command *command, int argc, const char **argv)
{
	struct target target = { 0 };
	struct tnb *tnb = NULL;
	int err;

	command_parse_only_options(command, set_option, &target, argc, argv);
	err = find_cgroup(command, &target);
	if (!err)
		err = tnb_open(&tnb);
	if (!err)
		err = tnb_rule_unset(tnb, target.cgroup, target.flags);
	tnb_close(&tnb);
	free(target.cgroup);
	return err ? command_fail(EXIT_FAILED) : 0;
}

static const struct poptOption unset_options[] = { TARGET_TABLE,
						   COMMAND_HELP_OPTION,
						   POPT_TABLEEND };

static const char *const unset_examples[] = {
	"timensbpf unset --cgroup /system.slice/db1.service", NULL
};

const struct command command_unset = {
	.name = "unset",
	.arguments = "--cgroup PATH|--pid PID [--force]",
	.summary = "let a cgroup follow its parent again",
	.options = unset_options,
	.examples = unset_examples,
	.run = run_unset,
};
