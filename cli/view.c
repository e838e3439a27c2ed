/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int read_rules(struct view *view)
{
	view->rule_count = tnb_rules_load(view->tnb, &view->rules);
	if (view->rule_count < 0)
		return view->rule_count;
	view->processes =
		calloc((size_t)view->rule_count + 1, sizeof(*view->processes));
	view->process_counts = calloc((size_t)view->rule_count + 1,
				      sizeof(*view->process_counts));
	return view->processes && view->process_counts ? 0 : -ENOMEM;
}

int view_read(struct view *view)
{
	int err = tnb_open(&view->tnb);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = read_rules(view);
	if (err)
		return err;
	for (int i = 0; i < view->rule_count; i++) {
		int count = tnb_rule_processes(view->tnb, &view->rules[i],
					       &view->processes[i]);

		/* The cgroup was removed meanwhile: no processes. */
		if (count < 0 && count != -ENODEV)
			return count;
		view->process_counts[i] = count < 0 ? 0 : count;
	}
	view->figure_count = tnb_figures_load(view->tnb, &view->figures);
	return view->figure_count < 0 ? view->figure_count : 0;
}

void view_free(struct view *view)
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

void view_format_date(const struct timespec *date, int digits, char *text,
		      size_t size)
{
	struct tm tm;
	size_t length;

	gmtime_r(&date->tv_sec, &tm);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	if (digits)
		snprintf(text + length, size - length, ".%09ldZ",
			 date->tv_nsec);
	else
		snprintf(text + length, size - length, "Z");
}
