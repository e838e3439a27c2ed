/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge_doors FILE PATTERN R M B
 *   Every reading of FILE (lines of doors.h) whose whole name matches the
 *   extended regular expression is right for a rule with these offsets, in
 *   nanoseconds of REALTIME, MONOTONIC, BOOTTIME: between the reference's two
 *   readings plus the offset, with no tolerance.
 * judge_doors FILE PATTERN absent
 *   All these doors are absent.
 *
 * Prints what is wrong. Status 1 also if no door matches: a test that asks for
 * nothing would always pass.
 */
#define _GNU_SOURCE
#include "raw.h"

#include <inttypes.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t offsets[3];
static bool want_absent;

struct reading {
	char value[32], family[16], before[32], after[32], wanted[32];
	int64_t returned, unit;
};

static int64_t to_ns(const char *text)
{
	long long sec = 0;
	long nsec = 0;

	sscanf(text[0] == '-' ? text + 1 : text, "%lld.%9ld", &sec, &nsec);
	return (text[0] == '-' ? -1 : 1) * (sec * NS_PER_S + nsec);
}

static int64_t offset_of(const char *family)
{
	if (!strcmp(family, "realtime"))
		return offsets[0];
	if (!strcmp(family, "monotonic"))
		return offsets[1];
	if (!strcmp(family, "boottime"))
		return offsets[2];
	return 0;
}

static bool is_right(const struct reading *reading)
{
	int64_t value = to_ns(reading->value), unit = reading->unit;
	int64_t offset = offset_of(reading->family);
	int64_t low = to_ns(reading->before) + offset;
	int64_t high = to_ns(reading->after) + offset;
	int64_t wanted = !strcmp(reading->wanted, "value")
				 ? value / NS_PER_S
				 : strtoll(reading->wanted, NULL, 10);

	if (reading->returned != wanted)
		return false;
	/* An error outside is the same error here, and no time. */
	if (wanted < 0)
		return true;
	return low / unit * unit <= value && value <= high;
}

static bool judge(const char *rest)
{
	struct reading reading;
	bool absent = !strcmp(rest, "absent");

	if (absent || want_absent)
		return absent && want_absent;
	return sscanf(rest, "%31s %" SCNd64 " %15s %" SCNd64 " %31s %31s %31s",
		      reading.value, &reading.returned, reading.family,
		      &reading.unit, reading.before, reading.after,
		      reading.wanted) == 7 &&
	       reading.unit > 0 && is_right(&reading);
}

static int judge_file(FILE *file, const regex_t *pattern)
{
	int seen = 0, wrong = 0;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		char *rest = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!rest)
			continue;
		*rest++ = '\0';
		if (regexec(pattern, line, 0, NULL, 0))
			continue;
		seen++;
		if (!judge(rest)) {
			wrong++;
			printf("wrong: %s %s\n", line, rest);
		}
	}
	if (!seen)
		printf("no door matches\n");
	return !seen || wrong;
}

int main(int argc, char **argv)
{
	char pattern[512];
	regex_t compiled;
	FILE *file;

	if (argc != 4 && argc != 6)
		return 2;
	want_absent = argc == 4 && !strcmp(argv[3], "absent");
	for (int i = 0; argc == 6 && i < 3; i++)
		offsets[i] = strtoll(argv[3 + i], NULL, 10);
	snprintf(pattern, sizeof(pattern), "^(%s)$", argv[2]);
	file = fopen(argv[1], "re");
	if (!file || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)) {
		fprintf(stderr, "judge_doors: %s or %s is no good\n", argv[1],
			argv[2]);
		return 2;
	}
	return judge_file(file, &compiled);
}
