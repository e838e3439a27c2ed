/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "cli/escape.h"
#include <stdlib.h>

static void assert_shown(const char *text, const char *wanted)
{
	char *shown = escape(text);

	assert_non_null(shown);
	assert_string_equal(shown, wanted);
	free(shown);
}

static void test_printable_stays(void **state)
{
	(void)state;
	assert_shown("", "");
	assert_shown("sleep 1", "sleep 1");
	assert_shown("dev-disk-by\\x2dlabel", "dev-disk-by\\x2dlabel");
	assert_shown("Zeit \xc3\xa4\xe2\x82\xac\xf0\x9f\x95\x90",
		     "Zeit \xc3\xa4\xe2\x82\xac\xf0\x9f\x95\x90");
}

static void test_control_characters(void **state)
{
	(void)state;
	assert_shown("\033[31mred", "\\x1b[31mred");
	assert_shown("a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f");
	/* CSI as one character of C1. */
	assert_shown("\xc2\x9b"
		     "31m",
		     "\\xc2\\x9b31m");
}

static void test_no_utf8(void **state)
{
	(void)state;
	assert_shown("\xff\xfe", "\\xff\\xfe");
	assert_shown("a\x80z", "a\\x80z");
	/* Too long for what it says, cut off, a surrogate, too large. */
	assert_shown("\xc0\x9b", "\\xc0\\x9b");
	assert_shown("\xe0\x80\x9b", "\\xe0\\x80\\x9b");
	assert_shown("\xe2\x82", "\\xe2\\x82");
	assert_shown("\xe2\x82z", "\\xe2\\x82z");
	assert_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");
	assert_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void test_what_changes_others(void **state)
{
	(void)state;
	/* RIGHT-TO-LEFT OVERRIDE, LINE SEPARATOR, BYTE ORDER MARK */
	assert_shown("a\xe2\x80\xae z", "a\\xe2\\x80\\xae z");
	assert_shown("\xe2\x80\xa8", "\\xe2\\x80\\xa8");
	assert_shown("\xef\xbb\xbfz", "\\xef\\xbb\\xbfz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable_stays),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_what_changes_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
