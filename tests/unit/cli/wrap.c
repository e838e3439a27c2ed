/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "cli/wrap.h"
#include <stdlib.h>
#include <string.h>

static void assert_wrapped(const char *text, int column, int indent, int width,
			   const char *wanted)
{
	char *shown = NULL;
	size_t size;
	FILE *stream = open_memstream(&shown, &size);

	assert_non_null(stream);
	wrap_print(stream, text, column, indent, width);
	fclose(stream);
	assert_string_equal(shown, wanted);
	free(shown);
}

static void test_fits(void **state)
{
	(void)state;
	assert_wrapped("", 0, 0, 10, "");
	assert_wrapped("one two", 0, 0, 7, "one two");
	assert_wrapped("one two three four", 0, 0, 0, "one two three four");
}

static void test_breaks_at_spaces(void **state)
{
	(void)state;
	assert_wrapped("one two", 0, 2, 6, "one\n  two");
	assert_wrapped("one two", 3, 3, 9, "one\n   two");
	assert_wrapped("one two three", 0, 1, 8, "one two\n three");
}

static void test_long_words_stay_whole(void **state)
{
	(void)state;
	assert_wrapped("a longest b", 0, 0, 4, "a\nlongest\nb");
	assert_wrapped("longest", 10, 10, 4, "longest");
}

static void test_counts_characters(void **state)
{
	(void)state;
	assert_wrapped("\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4", 0, 0, 5,
		       "\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4");
	assert_int_equal(wrap_columns("\xc3\xa4z"), 2);
}

static void assert_shortened(const char *text, int columns, const char *wanted)
{
	char shown[64];

	strcpy(shown, text);
	wrap_shorten(shown, columns);
	assert_string_equal(shown, wanted);
}

static void test_shortens_in_the_middle(void **state)
{
	(void)state;
	assert_shortened("0123456789", 10, "0123456789");
	assert_shortened("0123456789", 9, "012...789");
	assert_shortened("0123456789", 8, "01...789");
	assert_shortened("0123456789", 5, "0...9");
	assert_shortened("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 5,
			 "\xc3\xa4...\xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_breaks_at_spaces),
		cmocka_unit_test(test_long_words_stay_whole),
		cmocka_unit_test(test_counts_characters),
		cmocka_unit_test(test_shortens_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
