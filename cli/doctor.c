/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "escape.h"
#include "json.h"
#include "terminal.h"
#include "wrap.h"

#include <stdio.h>
#include <stdlib.h>

enum { JSON = 1 };

/* Where a finding's text begins. */
#define TEXT_COLUMN 8

static const struct {
	const char *name, *colour;
} healths[] = {
	[TNB_OK] = { "ok", "\033[32m" },
	[TNB_NOTE] = { "note", "\033[36m" },
	[TNB_WARN] = { "warn", "\033[33m" },
	[TNB_FAIL] = { "fail", "\033[31m" },
};
#define HEALTHS (sizeof(healths) / sizeof(*healths))

static const struct {
	const char *key, *heading;
} groups[] = {
	[TNB_GROUP_LOAD] = { "load", "Can load" },
	[TNB_GROUP_DOORS] = { "doors", "Doors" },
	[TNB_GROUP_LIMITS] = { "limits", "Limits of this kernel" },
	[TNB_GROUP_NOW] = { "now", "Now" },
};

/* How many findings are of each health. */
struct tally {
	unsigned int of[HEALTHS];
};

static struct tally count_all(const struct tnb_finding *findings, int count)
{
	struct tally tally = { 0 };

	for (int i = 0; i < count; i++)
		tally.of[findings[i].health]++;
	return tally;
}

/* ---- For people ---------------------------------------------------------- */

static void print_health(enum tnb_health health, bool colour)
{
	const char *name = healths[health].name;

	if (colour)
		printf("  %s%-4s\033[0m  ", healths[health].colour, name);
	else
		printf("  %-4s  ", name);
}

/* In one line where the output is no terminal, for grep(1). */
static void print_finding(const struct tnb_finding *finding, int width,
			  bool colour)
{
	char *text = escape(finding->text ? finding->text : "out of memory");

	print_health(finding->health, colour);
	wrap_print(stdout, text ? text : "", TEXT_COLUMN, TEXT_COLUMN, width);
	free(text);
	if (finding->advice && width) {
		printf("\n%*s-> ", TEXT_COLUMN, "");
		wrap_print(stdout, finding->advice, TEXT_COLUMN + 3,
			   TEXT_COLUMN + 3, width);
	} else if (finding->advice) {
		printf(" -> %s", finding->advice);
	}
	putchar('\n');
}

static void print_verdict(const struct tally *tally, bool colour)
{
	unsigned int fails = tally->of[TNB_FAIL];
	enum tnb_health worst = fails		      ? TNB_FAIL
				: tally->of[TNB_WARN] ? TNB_WARN
						      : TNB_OK;

	putchar('\n');
	if (colour)
		fputs(healths[worst].colour, stdout);
	if (fails)
		printf("This machine cannot load the programs: %u of the lines above say%s why",
		       fails, fails == 1 ? "s" : "");
	else
		printf("This machine can load the programs; warnings: %u, notes: %u",
		       tally->of[TNB_WARN], tally->of[TNB_NOTE]);
	puts(colour ? "\033[0m" : "");
}

static void print_text(const struct tnb_finding *findings, int count,
		       const struct tally *tally)
{
	bool colour = terminal_takes_colour(stdout);
	int width = terminal_width(stdout);

	for (int i = 0; i < count; i++) {
		if (!i || findings[i].group != findings[i - 1].group)
			printf("%s%s\n", i ? "\n" : "",
			       groups[findings[i].group].heading);
		print_finding(&findings[i], width, colour);
	}
	print_verdict(tally, colour);
}

/* ---- For machines: docs/json.md ------------------------------------------ */

static int print_json(const struct tnb_finding *findings, int count,
		      const struct tally *tally)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:o, s:s?}", "key",
				  findings[i].key, "group",
				  groups[findings[i].group].key, "health",
				  healths[findings[i].health].name, "text",
				  json_text(findings[i].text ?: ""), "advice",
				  findings[i].advice));
	return json_print(json_pack("{s:i, s:b, s:o}", "schema", JSON_SCHEMA,
				    "can_load", !tally->of[TNB_FAIL],
				    "findings", list));
}

/* Fails if something stands in the way of `load`. */
static int run_doctor(const struct command *command, int argc,
		      const char **argv)
{
	struct tnb_finding *findings = NULL;
	struct tally tally;
	bool json = false;
	int count, status = 0;

	command_parse_only_options(command, command_option_is_given, &json,
				   argc, argv);
	count = tnb_doctor(&findings);
	if (count < 0)
		return command_fail(EXIT_FAILED);
	tally = count_all(findings, count);
	if (json)
		status = print_json(findings, count, &tally);
	else
		print_text(findings, count, &tally);
	tnb_findings_free(&findings, (size_t)count);
	return tally.of[TNB_FAIL] ? EXIT_FAILED : status;
}

static const struct poptOption options[] = {
	{ "json", '\0', POPT_ARG_NONE, NULL, JSON, "print JSON (docs/json.md)",
	  NULL },
	COMMAND_HELP_OPTION,
	POPT_TABLEEND
};

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[--json]",
	.summary =
		"tell what works on this machine and what to do about the rest",
	.options = options,
	.run = run_doctor,
};
