/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <abi/channel.h>

#define MS TNB_NSEC_PER_MS
#define ARRIVAL(tgid, now_ns) TNB_ARRIVAL(tgid, (now_ns) / MS)
#define YEAR_NS (31557600ULL * 1000000000ULL)
/* PID_MAX_LIMIT is 4 Mi, and no number of a process. */
#define LAST_PID ((4u << 20) - 1)

static const __u64 times[] = { 1, 999 * MS, YEAR_NS / 2, 100 * YEAR_NS };
#define TIMES (sizeof(times) / sizeof(*times))

static void the_process_id_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < TIMES; i++) {
		assert_int_equal(tnb_arrival_tgid(ARRIVAL(1, times[i])), 1);
		assert_int_equal(tnb_arrival_tgid(ARRIVAL(LAST_PID, times[i])),
				 LAST_PID);
	}
}

static void it_is_over_after_its_time_and_stays_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < TIMES; i++) {
		__u64 word = ARRIVAL(LAST_PID, times[i]);

		assert_false(tnb_arrival_is_over(word, times[i]));
		assert_false(tnb_arrival_is_over(
			word, times[i] + TNB_ARRIVAL_MS * MS));
		assert_true(tnb_arrival_is_over(
			word, times[i] + (TNB_ARRIVAL_MS + 1) * MS));
		/* Where 32 bits of milliseconds have come round. */
		assert_true(tnb_arrival_is_over(word, times[i] + (MS << 32)));
		assert_true(tnb_arrival_is_over(word, times[i] + YEAR_NS));
	}
}

static void another_cpu_may_be_ahead(void **state)
{
	(void)state;
	assert_false(tnb_arrival_is_over(ARRIVAL(7, 5000 * MS), 4999 * MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_id_comes_back),
		cmocka_unit_test(it_is_over_after_its_time_and_stays_so),
		cmocka_unit_test(another_cpu_may_be_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
