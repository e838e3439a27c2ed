/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/when.c: the contract of cli/when.h, clause by clause. */
#include "cli/when.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define SEC 1000000000LL
#define MIN (60 * SEC)
#define HOUR (3600 * SEC)
#define DAY (86400 * SEC)

/* Zones as POSIX rules, so that no zone database is needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"

static void assert_when(const char *text, bool is_date, int64_t ns)
{
	struct when when = { .is_date = !is_date, .ns = ~ns };
	int r = when_parse(text, &when);

	if (r || when.is_date != is_date || when.ns != ns)
		print_error("'%s': %d, %" PRId64 " ns, %s\n", text, r, when.ns,
			    r ? when_error() : "");
	assert_int_equal(r, 0);
	assert_int_equal(when.is_date, is_date);
	assert_int_equal(when.ns, ns);
}

static void assert_delta(const char *text, int64_t ns)
{
	int64_t delta = ~ns;

	assert_when(text, false, ns);
	assert_int_equal(when_parse_delta(text, &delta), 0);
	assert_int_equal(delta, ns);
}

static void assert_date(const char *text, int64_t sec, int64_t nsec)
{
	assert_when(text, true, sec * SEC + nsec);
}

/* Refused as `err`, with a line that says `why`, and nothing is written. */
static void assert_refused(const char *text, int err, const char *why)
{
	struct when when = { .is_date = true, .ns = 4711 };
	int r = when_parse(text, &when);

	if (r != err || !strstr(when_error(), why))
		print_error("'%s': %d, \"%s\" lacks \"%s\"\n", text, r,
			    when_error(), why);
	assert_int_equal(r, err);
	assert_non_null(strstr(when_error(), why));
	assert_null(strchr(when_error(), '\n'));
	assert_true(when.is_date);
	assert_int_equal(when.ns, 4711);
}

static void assert_delta_refused(const char *text, int err, const char *why)
{
	int64_t ns = 4711;

	assert_int_equal(when_parse_delta(text, &ns), err);
	assert_non_null(strstr(when_error(), why));
	assert_int_equal(ns, 4711);
}

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
}

static int set_utc(void **state)
{
	(void)state;
	return setenv("TZ", "UTC0", 1);
}

/* ---- Deltas ------------------------------------------------------------ */

static void error_is_empty_at_first(void **state)
{
	(void)state;
	assert_string_equal(when_error(), "");
}

static void delta_of_each_unit(void **state)
{
	(void)state;
	assert_delta("+1ns", 1);
	assert_delta("+1us", 1000);
	assert_delta("+1ms", 1000000);
	assert_delta("+1s", SEC);
	assert_delta("+1m", MIN);
	assert_delta("+1h", HOUR);
	assert_delta("+3d", 3 * DAY);
	assert_delta("+2w", 14 * DAY);
	assert_delta("+1y", 365 * DAY);
}

static void delta_without_unit_is_seconds(void **state)
{
	(void)state;
	assert_delta("+90", 90 * SEC);
	assert_delta("-0.25", -250000000);
	assert_delta("+0", 0);
	assert_delta("-0", 0);
}

static void delta_sign_holds_for_all_of_it(void **state)
{
	(void)state;
	assert_delta("-90s", -90 * SEC);
	assert_delta("-1h30m", -(HOUR + 30 * MIN));
	assert_delta("-1.5h", -(HOUR + 30 * MIN));
}

static void delta_units_in_any_order(void **state)
{
	(void)state;
	assert_delta("+1h30m", HOUR + 30 * MIN);
	assert_delta("+30m1h", HOUR + 30 * MIN);
	assert_delta("+5ms2m1s", 2 * MIN + SEC + 5000000);
	assert_delta("+1y2w3d4h5m6s7ms8us9ns", 365 * DAY + 17 * DAY + 4 * HOUR +
						       5 * MIN + 6 * SEC +
						       7008009);
	assert_delta("+007s", 7 * SEC);
}

static void delta_fraction_is_exact(void **state)
{
	(void)state;
	assert_delta("+1.5h", HOUR + 30 * MIN);
	assert_delta("+0.1s", 100000000);
	assert_delta("+0.000000001s", 1);
	assert_delta("+9007199.254740993s", 9007199254740993);
	assert_delta("+0.1us", 100);
	assert_delta("+1.0000ns", 1);
	assert_delta("+0.5w1.5d", 5 * DAY);
	assert_delta("+0.10000000000000000000000000s", 100000000);
	/* 2^16 * 5^12 * 3^3 * 73 ns are a year: 16 binary digits. */
	assert_delta("+0.0000152587890625y", 481201171875);
}

static void delta_finer_than_a_nanosecond(void **state)
{
	(void)state;
	assert_refused("+1.5ns", -EINVAL, "finer than a nanosecond");
	assert_refused("+0.0001us", -EINVAL, "finer than a nanosecond");
	assert_refused("+0.0000000001s", -EINVAL, "finer than a nanosecond");
	assert_refused("+0.0000000000000000000001y", -EINVAL,
		       "finer than a nanosecond");
	assert_refused("-0.3333333333333d", -EINVAL, "finer");
	/* 10^64 is 0 in 64 bits. */
	assert_refused(
		"+0.0000000000000000000000000000000000000000000000000000000000000001s",
		-EINVAL, "finer");
}

static void delta_range_ends(void **state)
{
	(void)state;
	assert_delta("+9223372036854775807ns", INT64_MAX);
	assert_delta("+9223372036.854775807", INT64_MAX);
	assert_delta("-9223372036854775808ns", INT64_MIN);
	assert_delta("-9223372036.854775808", INT64_MIN);
	assert_delta("+292y", 292LL * 365 * DAY);
}

static void delta_out_of_range(void **state)
{
	static const char *const texts[] = {
		"+9223372036854775808ns",
		"-9223372036854775809ns",
		"+9223372036.854775808",
		"+293y",
		"+292y365d",
		"-293y",
		"+18446744073709551615s",
		"+18446744073709551616ns",
		"+18446744073709551617s",
		"+99999999999999999999999999999999999999999y",
		"-99999999999999999999999999999999999999999ns",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_refused(texts[i], -ERANGE, "out of range");
		assert_refused(texts[i], -ERANGE, texts[i]);
		assert_delta_refused(texts[i], -ERANGE, "292 years");
	}
}

static void delta_needs_a_sign(void **state)
{
	(void)state;
	assert_delta_refused("3d", -EINVAL, "'3d' lacks a sign");
	assert_delta_refused("", -EINVAL, "lacks a sign");
	assert_delta_refused(" +3d", -EINVAL, "lacks a sign");
	assert_delta_refused("@5", -EINVAL, "lacks a sign");
	assert_delta_refused("2038-01-19", -EINVAL, "lacks a sign");
}

static void delta_of_unknown_unit(void **state)
{
	(void)state;
	assert_refused("+3x", -EINVAL, "'x' in '+3x' is no unit");
	assert_refused("+3D", -EINVAL, "'D' in '+3D' is no unit");
	assert_refused("+3 d", -EINVAL, "' d' in '+3 d' is no unit");
	assert_refused("+3d ", -EINVAL, "'d ' in '+3d ' is no unit");
	assert_refused("+1e9", -EINVAL, "'e' in '+1e9' is no unit");
	assert_refused("+0x10", -EINVAL, "'x'");
	assert_refused("+1,5h", -EINVAL, "',' in '+1,5h' is no unit");
	assert_refused("+3days", -EINVAL, "y (365 days), w, d, h, m, s, ms");
}

static void delta_unit_given_twice(void **state)
{
	(void)state;
	assert_refused("+1h1h", -EINVAL, "'h' is given twice in '+1h1h'");
	assert_refused("+1ns1y2ns", -EINVAL, "'ns' is given twice");
	assert_refused("+1y1d1y", -EINVAL, "'y' is given twice");
}

static void delta_number_without_unit(void **state)
{
	(void)state;
	assert_refused("+1h30", -EINVAL, "'+1h30' lacks its unit");
	assert_refused("+30-1h", -EINVAL, "lacks its unit");
	assert_refused("+1.5.5h", -EINVAL, "lacks its unit");
}

static void delta_malformed(void **state)
{
	(void)state;
	assert_refused("+", -EINVAL, "'+' ends too early");
	assert_refused("+1.", -EINVAL, "ends too early");
	assert_refused("+d", -EINVAL, "'d' in '+d' is not understood");
	assert_refused("+.5h", -EINVAL, "'.5h'");
	assert_refused("+1.h", -EINVAL, "'h' in '+1.h'");
	assert_refused("+-3d", -EINVAL, "'-3d'");
	assert_refused("+1h-30m", -EINVAL, "'-30m' in '+1h-30m'");
	assert_refused("+inf", -EINVAL, "like +3d, -90s or +1h30m");
}

/* ---- Dates ------------------------------------------------------------- */

static void date_with_zone(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_date("2038-01-19T03:14:00Z", 2147483640, 0);
	assert_date("2038-01-19 03:14:00Z", 2147483640, 0);
	assert_date("2038-01-19T05:14:00+02:00", 2147483640, 0);
	assert_date("2038-01-19T05:14:00+0200", 2147483640, 0);
	assert_date("2038-01-19T05:14:00+02", 2147483640, 0);
	assert_date("2038-01-18T21:44:00-05:30", 2147483640, 0);
	assert_date("2038-01-18 21:44:00 -0530", 2147483640, 0);
	assert_date("2038-01-19T03:14:00-00:00", 2147483640, 0);
	assert_date("2038-01-19T03:14Z", 2147483640, 0);
	assert_date("1970-01-01T00:00:00Z", 0, 0);
	assert_date("1969-12-31T23:59:59Z", -1, 0);
}

static void date_fraction_is_exact(void **state)
{
	(void)state;
	assert_date("2038-01-19T03:14:00.5Z", 2147483640, 500000000);
	assert_date("2038-01-19T03:14:00.000000001Z", 2147483640, 1);
	assert_date("2038-01-19T03:14:00.999999999+00:00", 2147483640,
		    999999999);
	assert_date("2038-01-19 03:14:00.1000000000000000000000", 2147483640,
		    100000000);
	assert_date("1969-12-31T23:59:59.75Z", -1, 750000000);
	assert_refused("2038-01-19T03:14:00.0000000001Z", -EINVAL,
		       "finer than a nanosecond");
}

static void date_epoch(void **state)
{
	(void)state;
	assert_date("@0", 0, 0);
	assert_date("@2147483640", 2147483640, 0);
	assert_date("@2147483640.25", 2147483640, 250000000);
	assert_date("@-1", -1, 0);
	assert_date("@-1.5", -2, 500000000);
	assert_date("@9223372036.854775807", 9223372036, 854775807);
	assert_when("@-9223372036.854775808", true, INT64_MIN);
}

static void date_in_local_zone(void **state)
{
	(void)state;
	set_zone("UTC0");
	assert_date("2038-01-19 03:14:00", 2147483640, 0);
	set_zone("<+0530>-5:30");
	assert_date("2038-01-19 08:44:00", 2147483640, 0);
	set_zone("EST5");
	assert_date("2038-01-18T22:14", 2147483640, 0);
	assert_date("1970-01-01", 18000, 0);
	set_zone(BERLIN);
	assert_date("2026-07-01 12:00:00", 1782900000, 0);
	assert_date("2038-01-19 04:14:00.5", 2147483640, 500000000);
}

static void date_alone_is_midnight(void **state)
{
	(void)state;
	assert_date("2000-02-29", 951782400, 0);
	assert_date("1970-01-01", 0, 0);
}

static void local_time_around_clock_changes(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_date("2026-03-29 01:59:59", 1774745999, 0);
	assert_date("2026-03-29 03:00:00", 1774746000, 0);
	assert_date("2026-10-25 01:59:59", 1792886399, 0);
	assert_date("2026-10-25 03:00:00", 1792893600, 0);
	set_zone(NEW_YORK);
	assert_date("2026-03-08 01:59:59", 1772953199, 0);
	assert_date("2026-03-08 03:00", 1772953200, 0);
	assert_date("2026-11-01 00:59:59", 1793509199, 0);
	assert_date("2026-11-01 02:00", 1793516400, 0);
	set_zone(LORD_HOWE);
	assert_date("2026-04-05 01:29:59", 1775312999, 0);
	assert_date("2026-04-05 02:00", 1775316600, 0);
	assert_date("2026-10-04 01:59:59", 1791041399, 0);
	assert_date("2026-10-04 02:30", 1791041400, 0);
}

static void local_time_that_is_skipped(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_refused("2026-03-29 02:00:00", -EINVAL, "skipped");
	assert_refused("2026-03-29 02:30", -EINVAL, "add a zone");
	assert_refused("2026-03-29 02:59:59.999999999", -EINVAL, "skipped");
	set_zone(NEW_YORK);
	assert_refused("2026-03-08 02:00:00", -EINVAL, "skipped");
	set_zone(LORD_HOWE);
	assert_refused("2026-10-04 02:00:00", -EINVAL, "skipped");
	assert_refused("2026-10-04 02:29:59", -EINVAL, "skipped");
}

static void local_time_that_comes_twice(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_refused("2026-10-25 02:00:00", -EINVAL, "comes twice");
	assert_refused("2026-10-25 02:59:59", -EINVAL, "add a zone");
	set_zone(NEW_YORK);
	assert_refused("2026-11-01 01:30:00", -EINVAL, "comes twice");
	set_zone(LORD_HOWE);
	assert_refused("2026-04-05 01:30:00", -EINVAL, "comes twice");
	assert_refused("2026-04-05 01:59:59", -EINVAL, "comes twice");
}

static void every_day_until_2262(void **state)
{
	char text[64];

	(void)state;
	for (time_t sec = 0; sec < INT64_MAX / SEC; sec += 86400 + 1) {
		struct tm tm;

		gmtime_r(&sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_date(text, sec, 0);
	}
}

static void date_range_ends(void **state)
{
	(void)state;
	assert_when("2262-04-11T23:47:16.854775807Z", true, INT64_MAX);
	assert_when("1677-09-21T00:12:43.145224192Z", true, INT64_MIN);
}

static void date_out_of_range(void **state)
{
	static const char *const texts[] = {
		"2262-04-11T23:47:16.854775808Z",
		"1677-09-21T00:12:43.145224191Z",
		"2262-04-11T23:47:16.5-00:01",
		"2262-04-12",
		"9999-12-31 23:59:59",
		"0001-01-01",
		"@9223372036.854775808",
		"@-9223372036.854775809",
		"@18446744073709551616",
		"@99999999999999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_refused(texts[i], -ERANGE, "out of range");
		assert_refused(texts[i], -ERANGE, texts[i]);
		assert_refused(texts[i], -ERANGE, "2262-04-11");
	}
}

static void date_that_does_not_exist(void **state)
{
	(void)state;
	assert_refused("2026-02-30", -EINVAL, "2026-02 has 28 days");
	assert_refused("2024-02-30", -EINVAL, "2024-02 has 29 days");
	assert_refused("1900-02-29", -EINVAL, "1900-02 has 28 days");
	assert_refused("2026-04-31 10:00", -EINVAL, "day 31 in");
	assert_refused("2026-01-32", -EINVAL, "day 32 in");
	assert_refused("2026-01-00", -EINVAL, "day 00 in");
	assert_refused("2026-13-01", -EINVAL, "month 13 in");
	assert_refused("2026-00-01", -EINVAL, "it goes from 01 to 12");
	assert_refused("0000-01-01", -EINVAL, "year 0000 in");
}

static void time_of_day_that_does_not_exist(void **state)
{
	(void)state;
	assert_refused("2026-01-01 24:00:00", -EINVAL, "hour 24 in");
	assert_refused("2026-01-01 23:60:00", -EINVAL, "minute 60 in");
	assert_refused("2026-12-31T23:59:60Z", -EINVAL, "second 60 in");
	assert_refused("2026-12-31T23:59:60Z", -EINVAL, "from 00 to 59");
	assert_refused("2026-01-01T00:00:00+24:00", -EINVAL, "zone hour 24 in");
	assert_refused("2026-01-01T00:00:00+01:60", -EINVAL,
		       "zone minute 60 in");
}

static void date_ends_too_early(void **state)
{
	static const char *const texts[] = {
		"",
		"@",
		"@-",
		"@1.",
		"2026",
		"2026-",
		"2026-01",
		"2026-01-",
		"2026-01-01T",
		"2026-01-01 ",
		"2026-01-01 12",
		"2026-01-01 12:",
		"2026-01-01 12:00:",
		"2026-01-01 12:00:00.",
		"2026-01-01 12:00:00 ",
		"2026-01-01 12:00:00+",
		"2026-01-01 12:00:00+02:",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_refused(texts[i], -EINVAL, "ends too early");
}

static void date_followed_by_rubbish(void **state)
{
	(void)state;
	assert_refused("2026-01-01x", -EINVAL, "'x' in '2026-01-01x'");
	assert_refused("2026-01-01Z", -EINVAL, "'Z' in");
	assert_refused("2026-01-011", -EINVAL, "'1' in");
	assert_refused("2026-01-01  12:00", -EINVAL, "' 12:00' in");
	assert_refused("2026-01-01 12:000", -EINVAL, "'0' in");
	assert_refused("2026-01-01 12:00:00,5", -EINVAL, "',5' in");
	assert_refused("2026-01-01T12:00:00ZZ", -EINVAL, "'Z' in");
	assert_refused("2026-01-01T12:00:00 UTC", -EINVAL, "'UTC' in");
	assert_refused("2026-01-01T12:00:00+02:000", -EINVAL, "'0' in");
	assert_refused("2026-01-01T12:00:00Z ", -EINVAL, "' ' in");
	assert_refused("@12x", -EINVAL, "'x' in '@12x'");
	assert_refused("@12Z", -EINVAL, "'Z' in");
	assert_refused("@1.5.5", -EINVAL, "'.5' in");
}

static void date_malformed(void **state)
{
	(void)state;
	assert_refused("tomorrow", -EINVAL, "'tomorrow' is not understood");
	assert_refused("3d", -EINVAL, "a delta begins with + or -");
	assert_refused("20260101", -EINVAL, "'0101' in '20260101'");
	assert_refused("2026-1-1", -EINVAL, "'1-1' in '2026-1-1'");
	assert_refused("26-01-01", -EINVAL, "2038-01-19 03:14:00");
	assert_refused("2026/01/01", -EINVAL, "'/01/01'");
	assert_refused(" 2026-01-01", -EINVAL, "is not understood");
	assert_refused("2026-01-01 3:14", -EINVAL, "'3:14'");
	assert_refused("2026-01-01 12:00:00.Z", -EINVAL, "'Z'");
	assert_refused("2026-01-01 12:00+2:00", -EINVAL, "'2:00'");
	assert_refused("@ 5", -EINVAL, "' 5' in '@ 5'");
	assert_refused("@+5", -EINVAL, "'+5' in '@+5'");
	assert_refused("@0x10", -EINVAL, "'x10'");
}

static void error_quotes_long_text_in_part(void **state)
{
	char text[4096];
	struct when when;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '+';
	text[1] = '1';
	assert_int_equal(when_parse(text, &when), -EINVAL);
	assert_non_null(strstr(when_error(), "ms, us or ns"));
	assert_in_range(strlen(when_error()), 1, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_is_empty_at_first),
		cmocka_unit_test(delta_of_each_unit),
		cmocka_unit_test(delta_without_unit_is_seconds),
		cmocka_unit_test(delta_sign_holds_for_all_of_it),
		cmocka_unit_test(delta_units_in_any_order),
		cmocka_unit_test(delta_fraction_is_exact),
		cmocka_unit_test(delta_finer_than_a_nanosecond),
		cmocka_unit_test(delta_range_ends),
		cmocka_unit_test(delta_out_of_range),
		cmocka_unit_test(delta_needs_a_sign),
		cmocka_unit_test(delta_of_unknown_unit),
		cmocka_unit_test(delta_unit_given_twice),
		cmocka_unit_test(delta_number_without_unit),
		cmocka_unit_test(delta_malformed),
		cmocka_unit_test_setup(date_with_zone, set_utc),
		cmocka_unit_test_setup(date_fraction_is_exact, set_utc),
		cmocka_unit_test_setup(date_epoch, set_utc),
		cmocka_unit_test_setup(date_in_local_zone, set_utc),
		cmocka_unit_test_setup(date_alone_is_midnight, set_utc),
		cmocka_unit_test_setup(local_time_around_clock_changes,
				       set_utc),
		cmocka_unit_test_setup(local_time_that_is_skipped, set_utc),
		cmocka_unit_test_setup(local_time_that_comes_twice, set_utc),
		cmocka_unit_test_setup(every_day_until_2262, set_utc),
		cmocka_unit_test_setup(date_range_ends, set_utc),
		cmocka_unit_test_setup(date_out_of_range, set_utc),
		cmocka_unit_test_setup(date_that_does_not_exist, set_utc),
		cmocka_unit_test_setup(time_of_day_that_does_not_exist,
				       set_utc),
		cmocka_unit_test_setup(date_ends_too_early, set_utc),
		cmocka_unit_test_setup(date_followed_by_rubbish, set_utc),
		cmocka_unit_test_setup(date_malformed, set_utc),
		cmocka_unit_test_setup(error_quotes_long_text_in_part, set_utc),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
