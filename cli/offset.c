/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "offset.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NSEC_PER_SEC UINT64_C(1000000000)
/* Numbers that read well: +36h, -90s, +365d. */
#define SMALL 100

static const struct unit {
	char name;
	uint64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
#define UNITS (sizeof(units) / sizeof(*units))

struct text {
	char *at;
	size_t left;
	unsigned int parts, parts_max;
};

static uint64_t magnitude_of(int64_t ns)
{
	return ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
}

static void add(struct text *text, uint64_t number, const char *fraction,
		char unit)
{
	int length;

	if (text->parts == text->parts_max)
		return;
	text->parts++;
	length = snprintf(text->at, text->left, "%" PRIu64 "%s%c", number,
			  fraction, unit);
	text->at += length;
	text->left -= (size_t)length;
}

/* The largest unit of which it is a whole number, if that number is small, or
 * the unit the day. */
static bool add_one_unit(struct text *text, uint64_t ns)
{
	uint64_t seconds = ns / NSEC_PER_SEC;

	if (ns % NSEC_PER_SEC)
		return false;
	for (size_t i = 0; i < UNITS; i++) {
		if (seconds % units[i].seconds)
			continue;
		seconds /= units[i].seconds;
		if (i && seconds >= SMALL)
			return false;
		add(text, seconds, "", units[i].name);
		return true;
	}
	return false;
}

static void add_all_units(struct text *text, uint64_t ns)
{
	uint64_t rest = ns / NSEC_PER_SEC;
	char fraction[16];
	size_t digits;

	snprintf(fraction, sizeof(fraction), ".%09" PRIu64, ns % NSEC_PER_SEC);
	digits = strlen(fraction);
	while (fraction[digits - 1] == '0')
		digits--;
	fraction[digits > 1 ? digits : 0] = '\0';
	for (size_t i = 0; i + 1 < UNITS; i++) {
		if (rest >= units[i].seconds)
			add(text, rest / units[i].seconds, "", units[i].name);
		rest %= units[i].seconds;
	}
	if (rest || *fraction)
		add(text, rest, fraction, 's');
}

static void format(int64_t ns, unsigned int parts, const char *mark,
		   char out[OFFSET_SIZE])
{
	uint64_t magnitude = magnitude_of(ns);
	struct text text = { .parts_max = parts };
	int length =
		snprintf(out, OFFSET_SIZE, "%s%c", mark, ns < 0 ? '-' : '+');

	text.at = out + length;
	text.left = OFFSET_SIZE - (size_t)length;
	if (!ns)
		snprintf(out, OFFSET_SIZE, "0");
	else if (!add_one_unit(&text, magnitude))
		add_all_units(&text, magnitude);
}

void offset_format(int64_t ns, char text[OFFSET_SIZE])
{
	format(ns, UNITS, "", text);
}

void offset_format_short(int64_t ns, size_t width, char text[OFFSET_SIZE])
{
	format(ns, UNITS, "", text);
	if (strlen(text) > width)
		format(ns, 2, "~", text);
	if (strlen(text) > width)
		format(ns, 1, "~", text);
}
