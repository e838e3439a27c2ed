/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "terminal.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JSON = 1, PROCESSES, FIGURES, WATCH };

#define WATCH_SECONDS 2
#define WATCH_SECONDS_MAX 86400

struct show {
	bool json;
	struct view_parts parts;
	long watch; /* seconds, 0: once */
};

static void take_watch(const struct command *command, const char *value,
		       struct show *show)
{
	char *end;

	if (!value) {
		show->watch = WATCH_SECONDS;
		return;
	}
	errno = 0;
	show->watch = strtol(value, &end, 10);
	if (errno || *end || end == value || show->watch < 1 ||
	    show->watch > WATCH_SECONDS_MAX)
		command_usage(
			command,
			"--watch: '%s' is not a number of seconds from 1 to %d",
			value, WATCH_SECONDS_MAX);
}

static void show_option(const struct command *command, int val,
			const char *value, void *input)
{
	struct show *show = input;

	if (val == JSON)
		show->json = true;
	else if (val == PROCESSES)
		show->parts.processes = true;
	else if (val == FIGURES)
		show->parts.figures = true;
	else if (val == WATCH)
		take_watch(command, value, show);
}

static int show_once(const struct show *show)
{
	struct view view = { 0 };
	int status = 0, err = view_read(&view);

	if (err) {
		view_free(&view);
		if (err != -ENOMEM)
			return command_fail(EXIT_FAILED);
		command_say("out of memory");
		return EXIT_FAILED;
	}
	if (show->watch && !show->json && terminal_takes_sequences(stdout))
		fputs("\033[H\033[2J", stdout);
	if (show->json)
		status = view_print_json(&view);
	else
		view_print_text(&view, &show->parts);
	view_free(&view);
	if (!status && (fflush(stdout) || ferror(stdout))) {
		command_say("cannot write: %s", strerror(errno));
		status = EXIT_FAILED;
	}
	return status;
}

static int run_show(const struct command *command, int argc, const char **argv)
{
	struct show show = { 0 };
	int status;

	command_parse_only_options(command, show_option, &show, argc, argv);
	status = show_once(&show);
	while (!status && show.watch) {
		struct timespec pause = { .tv_sec = show.watch };

		nanosleep(&pause, NULL);
		/* Documents of JSON follow each other as they are. */
		if (!show.json && !terminal_takes_sequences(stdout))
			putchar('\n');
		status = show_once(&show);
	}
	return status;
}

static const struct poptOption options[] = {
	{ "processes", 'p', POPT_ARG_NONE, NULL, PROCESSES,
	  "also list processes, by how they read the clock, and why", NULL },
	{ "figures", '\0', POPT_ARG_NONE, NULL, FIGURES,
	  "also tell what was counted: starts, deadlines, misses", NULL },
	{ "watch", '\0', POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL, NULL, WATCH,
	  "show it again every 2 seconds, or as many as are given, until interrupted",
	  "SECONDS" },
	{ "json", '\0', POPT_ARG_NONE, NULL, JSON,
	  "print all of it as JSON (docs/json.md)", NULL },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

static const char *const examples[] = { "timensbpf show --processes",
					"timensbpf show --watch 5", NULL };

const struct command command_show = {
	.name = "show",
	.arguments = "[-p] [--figures] [--watch [SECONDS]] [--json]",
	.summary =
		"list cgroups with their own time, their processes and figures",
	.options = options,
	.examples = examples,
	.run = run_show,
};
