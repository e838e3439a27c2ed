/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "view.h"

#include "escape.h"
#include "offset.h"
#include "terminal.h"
#include "wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The table fits 100 columns where names do. On a terminal a name that does not
 * fit is shortened in the middle, elsewhere names are whole.
 */
enum column { NAME, DATE, REALTIME, MONOTONIC, BOOTTIME, PROCESSES, FAST };
#define COLUMNS (FAST + 1)
#define OFFSET_WIDTH 12
#define NAME_WIDTH_MIN 16
#define GAP 2

static const char *const titles[COLUMNS] = {
	[NAME] = "CGROUP",	 [DATE] = "DATE NOW",
	[REALTIME] = "REALTIME", [MONOTONIC] = "MONOTONIC",
	[BOOTTIME] = "BOOTTIME", [PROCESSES] = "PROCESSES",
	[FAST] = "FAST",
};

struct row {
	char *cell[COLUMNS];
};

static void print_wrapped(const char *text, int column, int indent)
{
	wrap_print(stdout, text, column, indent, terminal_width(stdout));
	putchar('\n');
}

/* ---- The table ----------------------------------------------------------- */

static char *number(int value)
{
	char *text = NULL;

	return asprintf(&text, "%d", value) < 0 ? NULL : text;
}

static int count_fast(const struct tnb_process *processes, int count)
{
	int fast = 0;

	for (int i = 0; i < count; i++)
		fast += processes[i].vdso == TNB_VDSO_FAST;
	return fast;
}

static void fill_row(const struct view *view, int i, struct row *row)
{
	const struct tnb_rule *rule = &view->rules[i];
	char offset[OFFSET_SIZE], date[64];

	row->cell[NAME] = escape(rule->name);
	view_format_date(&rule->date, 0, date, sizeof(date));
	row->cell[DATE] = strdup(date);
	for (int clock = 0; clock < TNB_CLOCKS; clock++) {
		offset_format_short(rule->offset_ns[clock], OFFSET_WIDTH,
				    offset);
		row->cell[REALTIME + clock] = strdup(offset);
	}
	row->cell[PROCESSES] = number(view->process_counts[i]);
	row->cell[FAST] =
		number(count_fast(view->processes[i], view->process_counts[i]));
}

static void measure(const struct row *rows, int count, int width[COLUMNS])
{
	int others = 0, terminal = terminal_width(stdout);

	for (int column = 0; column < COLUMNS; column++) {
		width[column] = (int)strlen(titles[column]);
		for (int i = 0; i < count; i++) {
			int columns = wrap_columns(rows[i].cell[column]);

			if (columns > width[column])
				width[column] = columns;
		}
		others += column == NAME ? 0 : width[column] + GAP;
	}
	if (!terminal || width[NAME] + others <= terminal)
		return;
	width[NAME] = terminal - others > NAME_WIDTH_MIN ? terminal - others
							 : NAME_WIDTH_MIN;
}

static void print_cell(const char *text, enum column column, int width)
{
	int padding = width - wrap_columns(text);

	if (column >= PROCESSES)
		printf("%*s%s", padding, "", text);
	else
		printf("%s%*s", text, padding, "");
	if (column + 1 < COLUMNS)
		printf("%*s", GAP, "");
}

static void print_rows(const struct row *rows, int count)
{
	int width[COLUMNS];

	measure(rows, count, width);
	for (int column = 0; column < COLUMNS; column++)
		print_cell(titles[column], (enum column)column, width[column]);
	putchar('\n');
	for (int i = 0; i < count; i++) {
		wrap_shorten(rows[i].cell[NAME], width[NAME]);
		for (int column = 0; column < COLUMNS; column++)
			print_cell(rows[i].cell[column], (enum column)column,
				   width[column]);
		putchar('\n');
	}
}

static bool is_whole(const struct row *row)
{
	for (int column = 0; column < COLUMNS; column++)
		if (!row->cell[column])
			return false;
	return true;
}

static void print_table(const struct view *view)
{
	struct row *rows = calloc((size_t)view->rule_count, sizeof(*rows));
	bool whole = rows != NULL;

	for (int i = 0; whole && i < view->rule_count; i++) {
		fill_row(view, i, &rows[i]);
		whole = is_whole(&rows[i]);
	}
	if (whole)
		print_rows(rows, view->rule_count);
	else
		puts("out of memory");
	for (int i = 0; rows && i < view->rule_count; i++)
		for (int column = 0; column < COLUMNS; column++)
			free(rows[i].cell[column]);
	free(rows);
}

/* ---- Processes ----------------------------------------------------------- */

static bool has_reason(const struct tnb_process *process, const char *why)
{
	return process->why == why ||
	       (process->why && why && !strcmp(process->why, why));
}

/* The processes from `first` on that have its reason, unless a process before
 * it has the same. */
static void print_group(const struct tnb_process *processes, int first,
			int count)
{
	const char *why = processes[first].why;
	int members = 0;
	char head[64];

	for (int i = 0; i < first; i++)
		if (has_reason(&processes[i], why))
			return;
	for (int i = first; i < count; i++)
		members += has_reason(&processes[i], why);
	snprintf(head, sizeof(head), "  %d %s", members,
		 why ? "slow: " : "fast");
	fputs(head, stdout);
	print_wrapped(why ? why : "", (int)strlen(head), 4);
	for (int i = first; i < count; i++) {
		char *name = has_reason(&processes[i], why)
				     ? escape(processes[i].name)
				     : NULL;

		if (name)
			printf("    %7d  %s\n", processes[i].pid, name);
		free(name);
	}
}

static void print_processes(const struct view *view)
{
	for (int i = 0; i < view->rule_count; i++) {
		char *name = escape(view->rules[i].name);

		printf("\n%s\n", name ? name : "out of memory");
		free(name);
		for (int j = 0; j < view->process_counts[i]; j++)
			print_group(view->processes[i], j,
				    view->process_counts[i]);
		if (!view->process_counts[i])
			puts("  no processes");
	}
}

/* ---- Figures ------------------------------------------------------------- */

/* Reads that missed the rule's time are told whether asked for or not. */
static void print_missed(const struct view *view)
{
	uint64_t missed = 0;
	char line[128];

	for (int i = 0; i < view->figure_count; i++)
		if (view->figures[i].missed)
			missed += view->figures[i].value;
	if (!missed)
		return;
	snprintf(line, sizeof(line),
		 "missed %" PRIu64
		 " times: what was missed had the host's time; see --figures",
		 missed);
	putchar('\n');
	print_wrapped(line, 0, 0);
}

static void print_figures(const struct view *view)
{
	putchar('\n');
	for (int i = 0; i < view->figure_count; i++) {
		char head[128];

		if (!view->figures[i].value)
			continue;
		snprintf(head, sizeof(head), "%-24s %" PRIu64 "  ",
			 view->figures[i].name, view->figures[i].value);
		fputs(head, stdout);
		print_wrapped(view->figures[i].text, (int)strlen(head), 27);
	}
}

/* What was loaded, and what it leaves the host's time (lockdown). */
static void print_loaded(const struct tnb *tnb)
{
	bool is_locked = tnb_loaded_gap(tnb, 0);
	bool is_served = tnb_loader_is_alive();
	char line[256];

	snprintf(line, sizeof(line),
		 "version %s, clock reads attached by %s, %s",
		 tnb_loaded_version(tnb), tnb_loaded_attach(tnb),
		 is_served   ? "loader runs: programs start fast"
		 : is_locked ? "no loader: programs start with the HOST's time"
			     : "no loader: programs start slow");
	print_wrapped(line, 0, 0);
	for (size_t i = 0; tnb_loaded_gap(tnb, i); i++) {
		printf("  the HOST's time (lockdown): ");
		print_wrapped(tnb_loaded_gap(tnb, i), 30, 4);
	}
}

void view_print_text(const struct view *view, const struct view_parts *parts)
{
	if (!view->tnb) {
		puts("nothing is loaded: no cgroup has its own time");
		return;
	}
	print_loaded(view->tnb);
	if (view->rule_count)
		print_table(view);
	else
		puts("no cgroup has its own time");
	if (parts->processes)
		print_processes(view);
	if (parts->figures)
		print_figures(view);
	else
		print_missed(view);
}
