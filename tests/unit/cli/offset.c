/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "cli/offset.h"
#include "cli/when.h"
#include <string.h>

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)

static void assert_reads(int64_t ns, const char *wanted)
{
	char text[OFFSET_SIZE];
	int64_t again;

	offset_format(ns, text);
	assert_string_equal(text, wanted);
	if (!ns)
		return;
	assert_int_equal(when_parse_delta(text, &again), 0);
	assert_true(again == ns);
}

static void assert_short(int64_t ns, const char *wanted)
{
	char text[OFFSET_SIZE];

	offset_format_short(ns, 12, text);
	assert_string_equal(text, wanted);
	assert_true(strlen(text) <= 12);
}

static void test_one_unit(void **state)
{
	(void)state;
	assert_reads(0, "0");
	assert_reads(3 * DAY, "+3d");
	assert_reads(7300 * DAY, "+7300d");
	assert_reads(-90 * SECOND, "-90s");
	assert_reads(90 * 60 * SECOND, "+90m");
	assert_reads(36 * 3600 * SECOND, "+36h");
	assert_reads(SECOND, "+1s");
}

static void test_several_units(void **state)
{
	(void)state;
	assert_reads(3 * DAY + 123456000, "+3d0.123456s");
	assert_reads(3661 * SECOND, "+1h1m1s");
	assert_reads(-(DAY + SECOND), "-1d1s");
	assert_reads(-1000, "-0.000001s");
	assert_reads(108000987654321, "+1d6h0.987654321s");
	assert_reads(-(DAY + 3600 * SECOND + SECOND / 2), "-1d1h0.5s");
}

static void test_the_ends(void **state)
{
	char text[OFFSET_SIZE];

	(void)state;
	assert_reads(INT64_MAX, "+106751d23h47m16.854775807s");
	offset_format(INT64_MIN, text);
	assert_string_equal(text, "-106751d23h47m16.854775808s");
}

static void test_short(void **state)
{
	(void)state;
	assert_short(3 * DAY + 123456000, "+3d0.123456s");
	assert_short(108000987654321, "~+1d6h");
	assert_short(INT64_MAX, "~+106751d23h");
	assert_short(INT64_MIN, "~-106751d23h");
	/* Two units do not fit either. */
	assert_short(20000 * DAY + SECOND / 3, "~+20000d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_unit),
		cmocka_unit_test(test_several_units),
		cmocka_unit_test(test_the_ends),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
