/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cgroup.h"
#include "clocks.h"
#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CGROUP = 1, PID, FORCE };

struct subject {
	char *cgroup; /* NULL: not given */
	pid_t pid;    /* 0: not given */
	unsigned int flags;
	struct tnb_clock_settings settings;
};

static void take_pid(const struct command *command, const char *value,
		     struct subject *subject)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(value, &end, 10);
	if (errno || *end || end == value || pid <= 0 || pid > INT_MAX)
		command_usage(command, "--pid: '%s' is no process id", value);
	subject->pid = (pid_t)pid;
}

static void set_option(const struct command *command, int val,
		       const char *value, void *input)
{
	struct subject *subject = input;

	if (clocks_take(command, val, value, &subject->settings))
		return;
	if (val == CGROUP) {
		free(subject->cgroup);
		subject->cgroup = cgroup_resolve(value);
	} else if (val == PID) {
		take_pid(command, value, subject);
	} else if (val == FORCE) {
		subject->flags |= TNB_FORCE;
	}
}

static struct poptOption subject_options[] = {
	CGROUP_OPTION(CGROUP),
	{ "pid", '\0', POPT_ARG_STRING, NULL, PID,
	  "the cgroup in which this process is", "PID" },
	{ "force", '\0', POPT_ARG_NONE, NULL, FORCE,
	  "also if a monotonic clock steps back for living processes", NULL },
	POPT_TABLEEND
};
#define SUBJECT_TABLE                                                   \
	{                                                               \
		NULL, '\0', POPT_ARG_INCLUDE_TABLE, subject_options, 0, \
			"Which cgroup:", NULL                           \
	}

static int find_cgroup(const struct command *command, struct subject *subject)
{
	if (!subject->cgroup == !subject->pid)
		command_usage(command, "give one of --cgroup PATH, --pid PID");
	return subject->cgroup ? 0
			       : tnb_cgroup_of(subject->pid, &subject->cgroup);
}

/* Processes that could not be changed read a wrong time: said once, with their
 * number. */
static void warn_left(const struct tnb_change_result *result)
{
	if (result->error)
		command_say(
			"note: cannot tell which processes still read the host's time: %s",
			strerror(-result->error));
	if (result->left)
		command_say(
			"note: %u processes still read another time than their rule's through the vDSO, most likely the host's; 'timensbpf show --processes' lists them",
			result->left);
}

static int set(struct subject *subject)
{
	struct tnb_change_result result = { 0 };
	struct tnb *tnb = NULL;
	bool without_loader;
	int err = tnb_open(&tnb);

	if (!err)
		err = tnb_rule_set(tnb, subject->cgroup, &subject->settings,
				   subject->flags, &result);
	without_loader = !err && tnb_loaded_gap(tnb, 0) &&
			 !tnb_loader_is_alive();
	tnb_close(&tnb);
	if (err)
		return command_fail(EXIT_FAILED);
	warn_left(&result);
	if (without_loader)
		command_say(
			"note: no loader serves, and under lockdown programs that start have the HOST's time then: start timensbpfd");
	return 0;
}

static int run_set(const struct command *command, int argc, const char **argv)
{
	struct subject subject = { .settings = TNB_CLOCK_SETTINGS_NONE };
	int status;

	command_parse_only_options(command, set_option, &subject, argc, argv);
	if (!clocks_given(&subject.settings))
		command_usage(
			command,
			"give a clock: --realtime, --monotonic or --boottime");
	if (find_cgroup(command, &subject))
		status = command_fail(EXIT_FAILED);
	else if (tnb_load_if_absent())
		status = command_fail(EXIT_FAILED);
	else
		status = set(&subject);
	free(subject.cgroup);
	return status;
}

static const struct poptOption set_options[] = { SUBJECT_TABLE, CLOCKS_TABLE,
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
	struct subject subject = { .settings = TNB_CLOCK_SETTINGS_NONE };
	struct tnb_change_result result = { 0 };
	struct tnb *tnb = NULL;
	int err;

	command_parse_only_options(command, set_option, &subject, argc, argv);
	err = find_cgroup(command, &subject);
	if (!err)
		err = tnb_open(&tnb);
	if (!err)
		err = tnb_rule_unset(tnb, subject.cgroup, subject.flags,
				     &result);
	tnb_close(&tnb);
	free(subject.cgroup);
	if (err)
		return command_fail(EXIT_FAILED);
	warn_left(&result);
	return 0;
}

static const struct poptOption unset_options[] = { SUBJECT_TABLE,
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
