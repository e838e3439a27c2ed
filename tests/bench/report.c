/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include "turns.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { SECTION, TIME, TEXT, NOTE };

struct row {
	enum kind kind;
	bool brief, marked;
	char label[96], text[400];
	double ns, base;
};

#define ROWS_MAX 160
static struct row rows[ROWS_MAX];
static size_t row_count;

static struct row *row_add(enum kind kind, bool brief, const char *label)
{
	struct row *row = &rows[row_count++];

	if (row_count > ROWS_MAX)
		die("too many rows");
	row->kind = kind;
	row->brief = brief;
	row->ns = row->base = NAN;
	snprintf(row->label, sizeof(row->label), "%s", label);
	return row;
}

void report_section(const char *title)
{
	row_add(SECTION, REPORT_DETAIL, title);
}

void report_time(bool brief, const char *label, double ns, double base)
{
	struct row *row;

	if (isnan(ns))
		return;
	row = row_add(TIME, brief, label);
	row->ns = ns;
	row->base = base;
}

void report_mark(void)
{
	rows[row_count - 1].marked = true;
}

void report_text(bool brief, const char *label, const char *format, ...)
{
	struct row *row = row_add(TEXT, brief, label);
	va_list args;

	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
}

void report_note(const char *text)
{
	struct row *row = row_add(NOTE, REPORT_DETAIL, "");

	snprintf(row->text, sizeof(row->text), "%s", text);
}

static void print_text(const struct row *row)
{
	switch (row->kind) {
	case SECTION:
		printf("\n%s\n", row->label);
		break;
	case TEXT:
		printf("  %-58s %s\n", row->label, row->text);
		break;
	case NOTE:
		printf("\nNote: %s\n", row->text);
		break;
	case TIME:
		printf("  %-58s %9.0f ns", row->label, row->ns);
		if (!isnan(row->base))
			printf("   %5.2f x  %+8.0f ns", row->ns / row->base,
			       row->ns - row->base);
		if (row->marked)
			fputs(" *", stdout);
		putchar('\n');
	}
}

/* Our own text: no quotes, no control characters. One row a line, for tools
 * that read lines. */
static void print_json(const struct row *row, bool last)
{
	printf("  {\"brief\": %s, \"label\": \"%s\"",
	       row->brief ? "true" : "false", row->label);
	if (row->kind == TIME)
		printf(", \"ns\": %.1f", row->ns);
	if (row->kind == TIME && !isnan(row->base))
		printf(", \"ratio\": %.3f, \"more_ns\": %.1f",
		       row->ns / row->base, row->ns - row->base);
	if (row->marked)
		printf(", \"chosen\": true");
	if (row->kind == TEXT)
		printf(", \"text\": \"%s\"", row->text);
	printf("}%s\n", last ? "" : ",");
}

void report_print(bool json)
{
	size_t last = 0;

	for (size_t i = 0; i < row_count; i++)
		if (rows[i].kind == TIME || rows[i].kind == TEXT)
			last = i;
	if (json)
		puts("[");
	for (size_t i = 0; i < row_count; i++) {
		if (!json)
			print_text(&rows[i]);
		else if (rows[i].kind == TIME || rows[i].kind == TEXT)
			print_json(&rows[i], i == last);
	}
	if (json)
		puts("]");
}
