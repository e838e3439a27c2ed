/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <timensbpf/timensbpf.h>

#define EXIT_USAGE 2

/* Values of options that end the process. */
enum { HELP = 1, USAGE, VERSION };

static const char about[] =
	"\n"
	"Gives programs that start in a cgroup with a time rule a fast clock, and\n"
	"changes rules for timensbpf(1). One timensbpfd serves the machine.\n"
	"Under systemd: systemctl enable --now timensbpfd\n"
	"More: timensbpfd(8), docs/daemon.md\n";

/* Flushed here, so that a full disk is a failure. */
static _Noreturn void end_output(void)
{
	exit(fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static _Noreturn void answer(poptContext context, int val)
{
	if (val == VERSION) {
		printf("timensbpfd %s\n", tnb_version());
	} else if (val == USAGE) {
		poptPrintUsage(context, stdout, 0);
	} else {
		poptPrintHelp(context, stdout, 0);
		fputs(about, stdout);
	}
	end_output();
}

static _Noreturn void refuse(const char *argument, const char *why)
{
	fprintf(stderr, "timensbpfd: %s: %s; see 'timensbpfd --help'\n",
		argument, why);
	exit(EXIT_USAGE);
}

struct options options_parse(int argc, const char **argv)
{
	static struct options options;
	static const struct poptOption table[] = {
		{ "foreground", 'f', POPT_ARG_NONE, &options.foreground, 0,
		  "stay in the foreground, log to standard error", NULL },
		{ "verbose", 'v', POPT_ARG_NONE, &options.verbose, 0,
		  "log more", NULL },
		{ "attached", '\0', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN,
		  &options.attached, 0, NULL, NULL },
		{ "version", '\0', POPT_ARG_NONE, NULL, VERSION,
		  "print the version", NULL },
		{ "help", 'h', POPT_ARG_NONE, NULL, HELP, "print this help",
		  NULL },
		{ "usage", '\0', POPT_ARG_NONE, NULL, USAGE,
		  "print the options in brief", NULL },
		/* As popt's own help option has it. */
		{ NULL, '?', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, NULL,
		  HELP, NULL, NULL },
		POPT_TABLEEND
	};
	poptContext context =
		poptGetContext("timensbpfd", argc, argv, table, 0);
	int val = poptGetNextOpt(context);
	const char *rest;

	if (val > 0)
		answer(context, val);
	if (val < -1)
		refuse(poptBadOption(context, 0), poptStrerror(val));
	rest = poptGetArg(context);
	if (rest)
		refuse(rest, "unexpected argument");
	poptFreeContext(context);
	return options;
}
