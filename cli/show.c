/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { JSON = 1 };

#define NSEC_PER_SEC 1000000000

static const char *const vdso_names[] = {
	[TNB_VDSO_HIDDEN] = "hidden",	[TNB_VDSO_VISIBLE] = "visible",
	[TNB_VDSO_UNKNOWN] = "unknown", [TNB_VDSO_FAST] = "fast",
	[TNB_VDSO_WAITS] = "waits",	[TNB_VDSO_FOREIGN] = "foreign",
	[TNB_VDSO_CALLS] = "calls",
};

/* What is shown, read as a whole before anything is printed. */
struct view {
	struct tnb *tnb;
	struct tnb_rule *rules;
	struct tnb_process **processes; /* of each rule */
	int *process_counts;
	int rule_count;
	struct tnb_figure *figures;
	int figure_count;
};

static int read_view(struct view *view)
{
	int err = tnb_open(&view->tnb);

	if (err)
		return err;
	view->rule_count = tnb_rules_load(view->tnb, &view->rules);
	if (view->rule_count < 0)
		return view->rule_count;
	view->processes =
		calloc((size_t)view->rule_count + 1, sizeof(*view->processes));
	view->process_counts = calloc((size_t)view->rule_count + 1,
				      sizeof(*view->process_counts));
	for (int i = 0; i < view->rule_count; i++) {
		int count = tnb_rule_processes(view->tnb, &view->rules[i],
					       &view->processes[i]);

		/* Removed meanwhile: no processes. */
		if (count < 0 && count != -ENODEV)
			return count;
		view->process_counts[i] = count < 0 ? 0 : count;
	}
	view->figure_count = tnb_figures_load(view->tnb, &view->figures);
	return view->figure_count < 0 ? view->figure_count : 0;
}

static void free_view(struct view *view)
{
	for (int i = 0; view->processes && i < view->rule_count; i++)
		free(view->processes[i]);
	free(view->processes);
	free(view->process_counts);
	if (view->rule_count > 0)
		tnb_rules_free(&view->rules, (size_t)view->rule_count);
	if (view->figure_count > 0)
		tnb_figures_free(&view->figures, (size_t)view->figure_count);
	tnb_close(&view->tnb);
}

/* ISO 8601, UTC. */
static void format_date(const struct timespec *date, char *text, size_t size)
{
	struct tm tm;
	size_t length;

	gmtime_r(&date->tv_sec, &tm);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + length, size - length, ".%09ldZ", date->tv_nsec);
}

/* ---- For people ---------------------------------------------------------- */

static void print_offset(const char *name, int64_t ns)
{
	uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char fraction[16];
	int digits = 9;

	snprintf(fraction, sizeof(fraction), "%09" PRIu64,
		 magnitude % NSEC_PER_SEC);
	while (digits && fraction[digits - 1] == '0')
		digits--;
	printf("  %-9s %c%" PRIu64 "%s%.*ss\n", name, ns < 0 ? '-' : '+',
	       magnitude / NSEC_PER_SEC, digits ? "." : "", digits, fraction);
}

static void print_rule(const struct tnb_rule *rule,
		       const struct tnb_process *processes, int count)
{
	char date[64];

	format_date(&rule->date, date, sizeof(date));
	printf("%s\n  date      %s\n", rule->path, date);
	for (int i = 0; i < TNB_CLOCKS; i++)
		print_offset(tnb_clock_name((enum tnb_clock_id)i),
			     rule->offset_ns[i]);
	for (int i = 0; i < count; i++)
		printf("  process   %d %s: %s%s%s\n", processes[i].pid,
		       processes[i].name, processes[i].why ? "slow (" : "fast",
		       processes[i].why ? processes[i].why : "",
		       processes[i].why ? ")" : "");
}

static void print_text(const struct view *view)
{
	printf("version %s, clock reads attached by %s, %s\n",
	       tnb_loaded_version(view->tnb), tnb_loaded_attach(view->tnb),
	       tnb_loader_is_alive()
		       ? "a loader makes programs fast"
		       : "no loader: what starts now makes system calls");
	if (!view->rule_count)
		puts("no cgroup has its own time");
	for (int i = 0; i < view->rule_count; i++)
		print_rule(&view->rules[i], view->processes[i],
			   view->process_counts[i]);
	for (int i = 0; i < view->figure_count; i++)
		if (view->figures[i].value)
			printf("%-24s %" PRIu64 "  %s\n", view->figures[i].name,
			       view->figures[i].value, view->figures[i].text);
}

/* ---- For machines -------------------------------------------------------- */

static json_t *json_processes(const struct tnb_process *processes, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:s, s:s, s:s?}", "pid",
						processes[i].pid, "name",
						processes[i].name, "vdso",
						vdso_names[processes[i].vdso],
						"why", processes[i].why));
	return list;
}

static json_t *json_rule(const struct tnb_rule *rule,
			 const struct tnb_process *processes, int count)
{
	json_t *offsets = json_object();
	char date[64];

	for (int i = 0; i < TNB_CLOCKS; i++)
		json_object_set_new(offsets,
				    tnb_clock_name((enum tnb_clock_id)i),
				    json_integer(rule->offset_ns[i]));
	format_date(&rule->date, date, sizeof(date));
	return json_pack("{s:s, s:I, s:i, s:o, s:s, s:o}", "cgroup", rule->path,
			 "id", (json_int_t)rule->cgroup_id, "slot",
			 (int)rule->slot, "offset_ns", offsets, "date", date,
			 "processes", json_processes(processes, count));
}

static int print_json(const struct view *view)
{
	json_t *rules = json_array(), *figures = json_array();

	for (int i = 0; i < view->rule_count; i++)
		json_array_append_new(
			rules, json_rule(&view->rules[i], view->processes[i],
					 view->process_counts[i]));
	for (int i = 0; i < view->figure_count; i++)
		json_array_append_new(
			figures, json_pack("{s:s, s:I, s:b, s:s}", "name",
					   view->figures[i].name, "value",
					   (json_int_t)view->figures[i].value,
					   "missed", view->figures[i].missed,
					   "text", view->figures[i].text));
	return json_print(json_pack("{s:s, s:s, s:b, s:o, s:o}", "version",
				    tnb_loaded_version(view->tnb), "attach",
				    tnb_loaded_attach(view->tnb), "loader",
				    tnb_loader_is_alive(), "rules", rules,
				    "figures", figures));
}

static void show_option(const struct command *command, int val,
			const char *value, void *input)
{
	(void)command;
	(void)val;
	(void)value;
	*(bool *)input = true;
}

int command_show(const struct command *command, int argc, const char **argv)
{
	static const struct poptOption options[] = {
		{ "json", '\0', POPT_ARG_NONE, NULL, JSON, "print JSON", NULL },
		POPT_AUTOHELP POPT_TABLEEND
	};
	struct view view = { 0 };
	bool json = false;
	int status = 0;

	command_parse_only_options(command, options, show_option, &json, argc,
				   argv);
	if (read_view(&view))
		status = command_fail(EXIT_FAILED);
	else if (json)
		status = print_json(&view);
	else
		print_text(&view);
	free_view(&view);
	return status;
}
