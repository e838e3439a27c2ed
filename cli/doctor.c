/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "json.h"

#include <stdio.h>

enum { JSON = 1 };

static const char *const health_names[] = {
	[TNB_OK] = "ok",
	[TNB_WARN] = "warn",
	[TNB_FAIL] = "fail",
};

static void doctor_option(const struct command *command, int val,
			  const char *value, void *input)
{
	(void)command;
	(void)val;
	(void)value;
	*(bool *)input = true;
}

static void print_text(const struct tnb_finding *findings, int count)
{
	for (int i = 0; i < count; i++) {
		printf("%-4s  %s", health_names[findings[i].health],
		       findings[i].text);
		if (findings[i].advice)
			printf(" -> %s", findings[i].advice);
		putchar('\n');
	}
}

static int print_json(const struct tnb_finding *findings, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s?}", "key",
					findings[i].key, "health",
					health_names[findings[i].health],
					"text", findings[i].text, "advice",
					findings[i].advice));
	return json_print(json_pack("{s:o}", "findings", list));
}

/* Fails if something stands in the way of `load`. */
int command_doctor(const struct command *command, int argc, const char **argv)
{
	static const struct poptOption options[] = {
		{ "json", '\0', POPT_ARG_NONE, NULL, JSON, "print JSON", NULL },
		POPT_AUTOHELP POPT_TABLEEND
	};
	struct tnb_finding *findings = NULL;
	bool json = false, failed = false;
	int count, status = 0;

	command_parse_only_options(command, options, doctor_option, &json, argc,
				   argv);
	count = tnb_doctor(&findings);
	if (count < 0)
		return command_fail(EXIT_FAILED);
	for (int i = 0; i < count; i++)
		failed |= findings[i].health == TNB_FAIL;
	if (json)
		status = print_json(findings, count);
	else
		print_text(findings, count);
	tnb_findings_free(&findings, (size_t)count);
	return failed ? EXIT_FAILED : status;
}
