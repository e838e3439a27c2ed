/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/rules/host_clock.h"
#include "loader/rules/settings.h"
#include <errno.h>
#include <string.h>

#define SEC 1000000000LL
#define DAY (86400 * SEC)

/* The host's clocks: a date in 2026, and a machine that started a minute ago.
 */
int tnb_host_clock(const struct tnb *tnb, enum tnb_clock_id clock, int64_t *ns)
{
	(void)tnb;
	*ns = clock == TNB_REALTIME ? 1780000000 * SEC : 35 * SEC + 600000000;
	return 0;
}

static struct tnb_offsets offsets;

static int apply(enum tnb_clock_id clock, enum tnb_setting how, int64_t ns)
{
	struct tnb_clock_settings settings = TNB_CLOCK_SETTINGS_NONE;

	settings.clock[clock].how = how;
	settings.clock[clock].ns = ns;
	offsets = (struct tnb_offsets){ { 1, 2, 3 } };
	return tnb_settings_apply(NULL, &settings, &offsets);
}

static void expect_range(enum tnb_clock_id clock, enum tnb_setting how,
			 int64_t ns, const char *nearest)
{
	assert_int_equal(apply(clock, how, ns), -ERANGE);
	if (!strstr(tnb_error_message(), nearest))
		fail_msg("wanted '%s', was: %s", nearest, tnb_error_message());
	assert_int_equal(offsets.ns[clock], clock + 1);
}

static void clocks_that_are_not_given_stay(void **state)
{
	(void)state;
	assert_int_equal(apply(TNB_MONOTONIC, TNB_SET_OFFSET, 7), 0);
	assert_int_equal(offsets.ns[TNB_REALTIME], 1);
	assert_int_equal(offsets.ns[TNB_MONOTONIC], 7);
	assert_int_equal(offsets.ns[TNB_BOOTTIME], 3);
}

static void realtime_is_in_whole_microseconds(void **state)
{
	(void)state;
	assert_int_equal(apply(TNB_REALTIME, TNB_SET_OFFSET, 1001), 0);
	assert_int_equal(offsets.ns[TNB_REALTIME], 2000);
	assert_int_equal(apply(TNB_REALTIME, TNB_SET_DATE, 1780000002 * SEC),
			 0);
	assert_int_equal(offsets.ns[TNB_REALTIME], 2 * SEC);
}

static void the_nearest_value_is_named(void **state)
{
	(void)state;
	expect_range(TNB_MONOTONIC, TNB_SET_OFFSET, -DAY, ": at most -35s now");
	expect_range(
		TNB_BOOTTIME, TNB_SET_OFFSET, INT64_MIN,
		"boottime would leave its range, 0 to 292 years: at most -35s now");
	expect_range(TNB_MONOTONIC, TNB_SET_OFFSET, INT64_MAX,
		     ": at most +106751d23h46m40s now");
	expect_range(TNB_REALTIME, TNB_SET_OFFSET, -36500 * DAY,
		     ": at most -20601d20h26m39s now");
	expect_range(TNB_REALTIME, TNB_SET_DATE, 0, "earliest date is @1");
	expect_range(TNB_REALTIME, TNB_SET_DATE, INT64_MIN,
		     "earliest date is @1");
	expect_range(TNB_REALTIME, TNB_SET_DATE, INT64_MAX,
		     "latest date is @9223372036");
}

static void the_nearest_value_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(apply(TNB_MONOTONIC, TNB_SET_OFFSET, -35 * SEC), 0);
	assert_int_equal(apply(TNB_REALTIME, TNB_SET_DATE, SEC), 0);
	assert_int_equal(apply(TNB_REALTIME, TNB_SET_DATE, 9223372036 * SEC),
			 0);
}

static void expect_unknown(const struct tnb_clock_settings *settings)
{
	offsets = (struct tnb_offsets){ { 1, 2, 3 } };
	assert_int_equal(tnb_settings_apply(NULL, settings, &offsets), -EINVAL);
	assert_int_equal(offsets.ns[0], 1);
}

#define EXPECT_UNKNOWN(member, value)                                         \
	do {                                                                  \
		struct tnb_clock_settings settings = TNB_CLOCK_SETTINGS_NONE; \
                                                                              \
		settings.member = value;                                      \
		expect_unknown(&settings);                                    \
	} while (0)

static void what_this_version_does_not_know_is_refused(void **state)
{
	(void)state;
	EXPECT_UNKNOWN(size, 0);
	EXPECT_UNKNOWN(size, sizeof(struct tnb_clock_settings) + 8);
	EXPECT_UNKNOWN(reserved, 1);
	EXPECT_UNKNOWN(clock[0].how, 3);
	EXPECT_UNKNOWN(clock[1].how, TNB_SET_DATE);
	EXPECT_UNKNOWN(clock[1].ns, 1);
	EXPECT_UNKNOWN(clock[2].mode, 1);
	EXPECT_UNKNOWN(clock[2].rate, 1);
	EXPECT_UNKNOWN(clock[2].source, 1);
	EXPECT_UNKNOWN(clock[2].reserved, 1);
}

static void no_settings_are_refused(void **state)
{
	(void)state;
	assert_int_equal(tnb_settings_check(NULL), -EINVAL);
	assert_string_not_equal(tnb_error_message(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_that_are_not_given_stay),
		cmocka_unit_test(realtime_is_in_whole_microseconds),
		cmocka_unit_test(the_nearest_value_is_named),
		cmocka_unit_test(the_nearest_value_is_allowed),
		cmocka_unit_test(what_this_version_does_not_know_is_refused),
		cmocka_unit_test(no_settings_are_refused),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
