/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The document is described in docs/json.md. */
#include "view.h"

#include "json.h"

static const char *const vdso_names[] = {
	[TNB_VDSO_HIDDEN] = "hidden",	[TNB_VDSO_VISIBLE] = "visible",
	[TNB_VDSO_UNKNOWN] = "unknown", [TNB_VDSO_FAST] = "fast",
	[TNB_VDSO_WAITS] = "waits",	[TNB_VDSO_FOREIGN] = "foreign",
	[TNB_VDSO_CALLS] = "calls",
};

static json_t *json_processes(const struct tnb_process *processes, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:i, s:o, s:s, s:s?}", "pid",
					processes[i].pid, "name",
					json_text(processes[i].name), "vdso",
					vdso_names[processes[i].vdso], "why",
					processes[i].why));
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
	view_format_date(&rule->date, 9, date, sizeof(date));
	return json_pack("{s:o, s:o, s:I, s:i, s:o, s:s, s:o}", "cgroup",
			 json_text(rule->path), "name", json_text(rule->name),
			 "id", (json_int_t)rule->cgroup_id, "slot",
			 (int)rule->slot, "offset_ns", offsets, "date", date,
			 "processes", json_processes(processes, count));
}

static json_t *json_figures(const struct view *view)
{
	json_t *list = json_array();

	for (int i = 0; i < view->figure_count; i++)
		json_array_append_new(
			list,
			json_pack("{s:o, s:I, s:b, s:s}", "name",
				  json_text(view->figures[i].name), "value",
				  (json_int_t)view->figures[i].value, "missed",
				  view->figures[i].missed, "text",
				  view->figures[i].text));
	return list;
}

static json_t *json_gaps(const struct tnb *tnb)
{
	json_t *list = json_array();

	for (size_t i = 0; tnb_loaded_gap(tnb, i); i++)
		json_array_append_new(list,
				      json_string(tnb_loaded_gap(tnb, i)));
	return list;
}

int view_print_json(const struct view *view)
{
	json_t *rules = json_array();
	json_t *document = json_pack("{s:i, s:b}", "schema", JSON_SCHEMA,
				     "loaded", view->tnb != NULL);

	for (int i = 0; i < view->rule_count; i++)
		json_array_append_new(
			rules, json_rule(&view->rules[i], view->processes[i],
					 view->process_counts[i]));
	if (view->tnb)
		json_object_update_new(
			document,
			json_pack("{s:s, s:s, s:b, s:o}", "version",
				  tnb_loaded_version(view->tnb), "attach",
				  tnb_loaded_attach(view->tnb), "loader",
				  tnb_loader_is_alive(), "gaps",
				  json_gaps(view->tnb)));
	json_object_set_new(document, "rules", rules);
	json_object_set_new(document, "figures", json_figures(view));
	return json_print(document);
}
