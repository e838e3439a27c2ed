/* SPDX-License-Identifier: GPL-2.0-or-later */
/* include/abi/timekeeper.h against 128-bit arithmetic. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <abi/timekeeper.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define NSEC 1000000000LL
#define SAMPLES 1000000

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

/* splitmix64: the same samples on every run. */
static uint64_t random_state;

static uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* All magnitudes alike below `limit`, and every fourth time an extreme. */
static uint64_t random_below(uint64_t limit)
{
	switch (random_u64() % 8) {
	case 0:
		return 0;
	case 1:
		return limit - 1;
	default:
		return (random_u64() >> (random_u64() % 64)) % limit;
	}
}

static struct tnb_time make(int64_t sec, uint32_t nsec)
{
	return (struct tnb_time){ sec, nsec };
}

/* Between the years 1970 and 2262. */
static struct tnb_time random_time(void)
{
	return make((int64_t)random_below(TNB_SEC_MAX + 1),
		    (uint32_t)random_below(NSEC));
}

static wide to_ns(struct tnb_time time)
{
	return (wide)time.sec * NSEC + time.nsec;
}

static void assert_time(struct tnb_time time, int64_t sec, uint32_t nsec)
{
	assert_int_equal(time.sec, sec);
	assert_int_equal(time.nsec, nsec);
}

static void assert_ns(struct tnb_time time, wide ns)
{
	assert_in_range(time.nsec, 0, NSEC - 1);
	assert_true(to_ns(time) == ns);
}

static struct tnb_clock offset_clock(int64_t sec, uint32_t nsec)
{
	return (struct tnb_clock){ .offset_sec = sec, .offset_nsec = nsec };
}

static struct tnb_clock rate_clock(struct tnb_time host, struct tnb_time virt,
				   uint64_t rate)
{
	return (struct tnb_clock){
		.flags = TNB_CLOCK_RATE,
		.host_ref_sec = host.sec,
		.host_ref_nsec = host.nsec,
		.virt_ref_sec = virt.sec,
		.virt_ref_nsec = virt.nsec,
		.rate = rate,
	};
}

static struct tnb_time read_at(struct tnb_clock clock, int64_t sec,
			       uint32_t nsec)
{
	return tnb_clock_read(&clock, make(sec, nsec));
}

/* ---- Families ---------------------------------------------------------- */

static void family_of_every_clock_id(void **state)
{
	static const enum tnb_clock_id families[24] = {
		[0] = TNB_REALTIME,
		[1] = TNB_MONOTONIC,
		[2] = TNB_CLOCK_NONE, /* PROCESS_CPUTIME_ID */
		[3] = TNB_CLOCK_NONE, /* THREAD_CPUTIME_ID */
		[4] = TNB_MONOTONIC,
		[5] = TNB_REALTIME,
		[6] = TNB_MONOTONIC,
		[7] = TNB_BOOTTIME,
		[8] = TNB_REALTIME,
		[9] = TNB_BOOTTIME,
		[10] = TNB_CLOCK_NONE, /* SGI_CYCLE, gone */
		[11] = TNB_REALTIME,
		[12] = TNB_CLOCK_NONE,
		[13] = TNB_CLOCK_NONE,
		[14] = TNB_CLOCK_NONE,
		[15] = TNB_CLOCK_NONE,
		/* AUX, the auxiliary clocks */
		[16] = TNB_CLOCK_NONE,
		[17] = TNB_CLOCK_NONE,
		[18] = TNB_CLOCK_NONE,
		[19] = TNB_CLOCK_NONE,
		[20] = TNB_CLOCK_NONE,
		[21] = TNB_CLOCK_NONE,
		[22] = TNB_CLOCK_NONE,
		[23] = TNB_CLOCK_NONE,
	};

	(void)state;
	for (uint32_t id = 0; id < ARRAY_SIZE(families); id++)
		assert_int_equal(tnb_family_of(id), families[id]);
}

static void dynamic_clocks_have_no_family(void **state)
{
	(void)state;
	/* FD_TO_CLOCKID(3), and a CPU clock of pid 1. */
	assert_int_equal(tnb_family_of(~3u << 3 | 3), TNB_CLOCK_NONE);
	assert_int_equal(tnb_family_of(~1u << 3 | 2), TNB_CLOCK_NONE);
}

/* ---- Sums -------------------------------------------------------------- */

static void add_carries_at_the_full_second(void **state)
{
	(void)state;
	assert_time(tnb_time_add(make(1, 2), make(3, 4)), 4, 6);
	assert_time(tnb_time_add(make(1, 999999998), make(0, 1)), 1, 999999999);
	assert_time(tnb_time_add(make(1, 999999999), make(0, 1)), 2, 0);
	assert_time(tnb_time_add(make(1, 999999999), make(1, 999999999)), 3,
		    999999998);
}

static void add_takes_negative_times(void **state)
{
	(void)state;
	/* -1 ns is -1 s + 999999999 ns. */
	assert_time(tnb_time_add(make(0, 0), make(-1, 999999999)), -1,
		    999999999);
	assert_time(tnb_time_add(make(0, 1), make(-1, 999999999)), 0, 0);
	assert_time(tnb_time_add(make(-1, 999999999), make(-1, 999999999)), -1,
		    999999998);
	assert_time(tnb_time_add(make(5, 0), make(-7, 500000000)), -2,
		    500000000);
}

static void sub_borrows_a_second(void **state)
{
	(void)state;
	assert_time(tnb_time_sub(make(4, 6), make(3, 4)), 1, 2);
	assert_time(tnb_time_sub(make(4, 0), make(4, 0)), 0, 0);
	assert_time(tnb_time_sub(make(2, 0), make(0, 1)), 1, 999999999);
	assert_time(tnb_time_sub(make(2, 0), make(1, 999999999)), 0, 1);
}

static void sub_goes_below_zero(void **state)
{
	(void)state;
	assert_time(tnb_time_sub(make(0, 0), make(0, 1)), -1, 999999999);
	assert_time(tnb_time_sub(make(1, 5), make(3, 6)), -3, 999999999);
	assert_time(tnb_time_sub(make(0, 0), make(-1, 999999999)), 0, 1);
	assert_time(tnb_time_sub(make(-2, 0), make(-1, 999999999)), -2, 1);
}

static void sums_span_1970_to_2262(void **state)
{
	const struct tnb_time epoch = { 0, 0 };
	const struct tnb_time end = { TNB_SEC_MAX, 854775807 };

	(void)state;
	assert_ns(tnb_time_add(epoch, end), INT64_MAX);
	assert_ns(tnb_time_sub(end, epoch), INT64_MAX);
	assert_ns(tnb_time_sub(epoch, end), -(wide)INT64_MAX);
	assert_ns(tnb_time_add(end, end), 2 * (wide)INT64_MAX);
	assert_time(tnb_time_sub(end, end), 0, 0);
}

static void sub_undoes_add(void **state)
{
	(void)state;
	random_state = 1;
	for (int i = 0; i < SAMPLES; i++) {
		struct tnb_time a = tnb_time_sub(random_time(), random_time());
		struct tnb_time b = tnb_time_sub(random_time(), random_time());

		assert_ns(tnb_time_add(a, b), to_ns(a) + to_ns(b));
		assert_ns(tnb_time_sub(a, b), to_ns(a) - to_ns(b));
		assert_ns(tnb_time_sub(tnb_time_add(a, b), b), to_ns(a));
		assert_ns(tnb_time_add(tnb_time_sub(a, b), b), to_ns(a));
	}
}

/* ---- From nanoseconds -------------------------------------------------- */

static void from_ns_rounds_down(void **state)
{
	(void)state;
	assert_time(tnb_time_from_ns(0), 0, 0);
	assert_time(tnb_time_from_ns(1), 0, 1);
	assert_time(tnb_time_from_ns(NSEC - 1), 0, 999999999);
	assert_time(tnb_time_from_ns(NSEC), 1, 0);
	assert_time(tnb_time_from_ns(-1), -1, 999999999);
	assert_time(tnb_time_from_ns(-NSEC + 1), -1, 1);
	assert_time(tnb_time_from_ns(-NSEC), -1, 0);
	assert_time(tnb_time_from_ns(-NSEC - 1), -2, 999999999);
}

static void from_ns_takes_the_whole_range(void **state)
{
	(void)state;
	assert_time(tnb_time_from_ns(INT64_MAX), TNB_SEC_MAX, 854775807);
	assert_time(tnb_time_from_ns(-INT64_MAX), -TNB_SEC_MAX - 1, 145224193);
	assert_time(tnb_time_from_ns(INT64_MIN), -TNB_SEC_MAX - 1, 145224192);
}

static void from_ns_is_exact(void **state)
{
	(void)state;
	random_state = 2;
	for (int i = 0; i < SAMPLES; i++) {
		int64_t ns = (int64_t)random_u64() >> (random_u64() % 64);

		assert_ns(tnb_time_from_ns(ns), ns);
	}
}

/* ---- Offset clocks ----------------------------------------------------- */

static void offset_moves_the_host_time(void **state)
{
	(void)state;
	assert_time(read_at(offset_clock(0, 0), 77, 5), 77, 5);
	assert_time(read_at(offset_clock(259200, 0), 100, 7), 259300, 7);
	assert_time(read_at(offset_clock(0, 1), 9, 999999999), 10, 0);
	assert_time(read_at(offset_clock(-1, 999999999), 10, 0), 9, 999999999);
	assert_time(read_at(offset_clock(-90, 0), 100, 7), 10, 7);
	assert_time(read_at(offset_clock(-91, 500000000), 100, 0), 9,
		    500000000);
}

static void offset_reaches_the_range_ends(void **state)
{
	(void)state;
	assert_time(read_at(offset_clock(TNB_SEC_MAX, 854775807), 0, 0),
		    TNB_SEC_MAX, 854775807);
	assert_time(read_at(offset_clock(-TNB_SEC_MAX - 1, 145224193),
			    TNB_SEC_MAX, 854775807),
		    0, 0);
	assert_time(read_at(offset_clock(-TNB_SEC_MAX - 1, 145224193), 0, 0),
		    -TNB_SEC_MAX - 1, 145224193);
}

static void offset_clock_ignores_rate_fields(void **state)
{
	struct tnb_clock clock = rate_clock(make(50, 1), make(60, 2), 12345);

	(void)state;
	clock.flags = 0;
	clock.offset_sec = 3;
	assert_time(read_at(clock, 70, 5), 73, 5);
}

/* ---- Rate clocks ------------------------------------------------------- */

static void rate_clock_ignores_offset_fields(void **state)
{
	struct tnb_clock clock =
		rate_clock(make(50, 1), make(60, 2), TNB_RATE_ONE);

	(void)state;
	clock.offset_sec = 1000;
	clock.offset_nsec = 999;
	assert_time(read_at(clock, 51, 1), 61, 2);
}

static void rate_one_equals_an_offset(void **state)
{
	(void)state;
	random_state = 3;
	for (int i = 0; i < SAMPLES; i++) {
		struct tnb_time host = random_time(), ref = random_time();
		struct tnb_time offset =
			tnb_time_sub(random_time(), random_time());
		struct tnb_clock plain = offset_clock(offset.sec, offset.nsec);
		struct tnb_clock rated = rate_clock(
			ref, tnb_time_add(ref, offset), TNB_RATE_ONE);

		assert_ns(tnb_clock_read(&rated, host),
			  to_ns(tnb_clock_read(&plain, host)));
	}
}

static void rate_zero_stands_still(void **state)
{
	struct tnb_clock clock = rate_clock(make(50, 1), make(60, 2), 0);

	(void)state;
	assert_time(read_at(clock, 50, 1), 60, 2);
	assert_time(read_at(clock, 50, 0), 60, 2);
	assert_time(read_at(clock, 0, 0), 60, 2);
	assert_time(read_at(clock, TNB_SEC_MAX, 999999999), 60, 2);
}

static void rate_of_a_1024th(void **state)
{
	struct tnb_clock clock =
		rate_clock(make(0, 0), make(60, 0), TNB_RATE_ONE / 1024);

	(void)state;
	assert_time(read_at(clock, 1024, 0), 61, 0);
	assert_time(read_at(clock, 0, 1023), 60, 0);
	assert_time(read_at(clock, 0, 1024), 60, 1);
	assert_time(read_at(clock, 1023, 999999999), 60, 999999999);
	assert_time(read_at(clock, 1024, 1024), 61, 1);
}

static void rate_of_one_half(void **state)
{
	struct tnb_clock clock =
		rate_clock(make(10, 0), make(60, 0), TNB_RATE_ONE / 2);

	(void)state;
	assert_time(read_at(clock, 13, 0), 61, 500000000);
	assert_time(read_at(clock, 10, 1), 60, 0);
	assert_time(read_at(clock, 10, 3), 60, 1);
	assert_time(read_at(clock, 11, 999999999), 60, 999999999);
	assert_time(read_at(clock, 12, 0), 61, 0);
}

static void rate_of_two(void **state)
{
	struct tnb_clock clock = rate_clock(
		make(10, 500000000), make(60, 900000000), 2 * TNB_RATE_ONE);

	(void)state;
	assert_time(read_at(clock, 10, 500000001), 60, 900000002);
	assert_time(read_at(clock, 10, 550000000), 61, 0);
	assert_time(read_at(clock, 11, 0), 61, 900000000);
	assert_time(read_at(clock, 13, 0), 65, 900000000);
}

static void rate_of_a_thousand(void **state)
{
	struct tnb_clock clock =
		rate_clock(make(10, 0), make(60, 0), 1000 * TNB_RATE_ONE);

	(void)state;
	assert_time(read_at(clock, 10, 1), 60, 1000);
	assert_time(read_at(clock, 10, 999999), 60, 999999000);
	assert_time(read_at(clock, 10, 1000000), 61, 0);
	assert_time(read_at(clock, 10, 999999999), 1059, 999999000);
	assert_time(read_at(clock, 11, 0), 1060, 0);
}

static void rate_runs_backwards_from_the_reference(void **state)
{
	const struct tnb_time host = { 10, 0 }, virt = { 60, 0 };
	struct tnb_clock half = rate_clock(host, virt, TNB_RATE_ONE / 2);
	struct tnb_clock twice = rate_clock(host, virt, 2 * TNB_RATE_ONE);

	(void)state;
	assert_time(read_at(half, 7, 0), 58, 500000000);
	/* Parts of a nanosecond are cut off towards the reference. */
	assert_time(read_at(half, 9, 999999999), 60, 0);
	assert_time(read_at(half, 9, 999999997), 59, 999999999);
	assert_time(read_at(twice, 9, 999999999), 59, 999999998);
	assert_time(read_at(twice, 9, 0), 58, 0);
	assert_time(read_at(twice, 8, 999999999), 57, 999999998);
	/* Before virtual 1970. */
	assert_time(read_at(rate_clock(host, make(1, 0), TNB_RATE_ONE), 8, 1),
		    -1, 1);
}

static uint64_t random_rate(void)
{
	static const uint64_t rates[] = {
		1,
		TNB_RATE_ONE / 1024,
		TNB_RATE_ONE / 2,
		TNB_RATE_ONE - 1,
		TNB_RATE_ONE,
		TNB_RATE_ONE + 1,
		2 * TNB_RATE_ONE,
		1000 * TNB_RATE_ONE,
	};

	return random_u64() % 2 ? rates[random_u64() % ARRAY_SIZE(rates)]
				: random_below(TNB_RATE_MAX);
}

static wide expected_read(struct tnb_time host, struct tnb_time host_ref,
			  struct tnb_time virt_ref, uint64_t rate)
{
	wide elapsed = to_ns(host) - to_ns(host_ref);
	unsigned_wide distance =
		(unsigned_wide)(elapsed < 0 ? -elapsed : elapsed);
	wide scaled = (wide)(distance * rate >> 32);

	return to_ns(virt_ref) + (elapsed < 0 ? -scaled : scaled);
}

static void rate_is_exact(void **state)
{
	(void)state;
	random_state = 4;
	for (int i = 0; i < SAMPLES; i++) {
		struct tnb_time host = random_time();
		struct tnb_time host_ref = random_time();
		struct tnb_time virt_ref = random_time();
		uint64_t rate = random_rate();
		struct tnb_clock clock = rate_clock(host_ref, virt_ref, rate);

		assert_ns(tnb_clock_read(&clock, host),
			  expected_read(host, host_ref, virt_ref, rate));
	}
}

static void highest_rate_over_the_whole_range(void **state)
{
	const struct tnb_time epoch = { 0, 0 };
	const struct tnb_time end = { TNB_SEC_MAX, 999999999 };
	const uint64_t rate = TNB_RATE_MAX - 1;
	struct tnb_clock forth = rate_clock(epoch, epoch, rate);
	struct tnb_clock back = rate_clock(end, epoch, rate);

	(void)state;
	assert_ns(tnb_clock_read(&forth, end),
		  expected_read(end, epoch, epoch, rate));
	assert_ns(tnb_clock_read(&back, epoch),
		  expected_read(epoch, end, epoch, rate));
}

/* ---- Order ------------------------------------------------------------- */

/* Adjacent nanoseconds around `middle`: no step back, none above the rate. */
static void assert_monotone_around(const struct tnb_clock *clock,
				   struct tnb_time middle)
{
	const wide longest = (wide)(clock->rate >> 32) + 1;
	struct tnb_time host = tnb_time_sub(middle, make(0, 4));
	wide last = to_ns(tnb_clock_read(clock, host));

	for (int i = 0; i < 8; i++) {
		wide now;

		host = tnb_time_add(host, make(0, 1));
		now = to_ns(tnb_clock_read(clock, host));
		assert_true(now >= last);
		assert_true(now - last <= longest);
		last = now;
	}
}

static const uint64_t odd_rates[] = {
	1,
	TNB_RATE_ONE / 1024 + 1,
	0x55555555,
	0xfffffffe,
	TNB_RATE_ONE - 1,
	TNB_RATE_ONE + 1,
	0x1b504f334,
	0x3243f6a88,
	1000 * TNB_RATE_ONE + 0x12345677,
	TNB_RATE_MAX - 1,
};

static void monotone_over_host_seconds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd_rates); i++) {
		struct tnb_clock clock = rate_clock(make(1000, 123456789),
						    make(5000, 987654321),
						    odd_rates[i]);

		/* From before the reference to long after it. */
		for (int64_t sec = 1; sec < 4000; sec++)
			assert_monotone_around(&clock, make(sec, 0));
		for (int64_t sec = 5000; sec < TNB_SEC_MAX; sec += sec / 16)
			assert_monotone_around(&clock, make(sec, 0));
	}
}

static void monotone_over_virtual_seconds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd_rates); i++) {
		uint64_t rate = odd_rates[i];
		struct tnb_clock clock =
			rate_clock(make(0, 0), make(0, 0), rate);

		for (int64_t sec = 1; sec < 2000; sec++) {
			unsigned_wide ns = (unsigned_wide)sec * NSEC;

			ns = (ns << 32) / rate;
			if (ns / NSEC < TNB_SEC_MAX)
				assert_monotone_around(
					&clock, make((int64_t)(ns / NSEC),
						     (uint32_t)(ns % NSEC)));
		}
	}
}

static void monotone_over_the_reference(void **state)
{
	const struct tnb_time host = { 10, 0 }, virt = { 60, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd_rates); i++) {
		struct tnb_clock clock = rate_clock(host, virt, odd_rates[i]);

		assert_time(tnb_clock_read(&clock, host), 60, 0);
		assert_monotone_around(&clock, host);
	}
}

static void deadlines_are_never_negative_nor_zero(void **state)
{
	(void)state;
	assert_time(tnb_deadline_clamp(make(-1, 999999999), 0), 0, 1);
	assert_time(tnb_deadline_clamp(make(INT64_MIN, 0), 0), 0, 1);
	assert_time(tnb_deadline_clamp(make(0, 0), 0), 0, 1);
	assert_time(tnb_deadline_clamp(make(0, 1), 0), 0, 1);
	assert_time(tnb_deadline_clamp(make(0, 2), 0), 0, 2);
	assert_time(tnb_deadline_clamp(make(1, 0), 0), 1, 0);
}

/* A timer keeps its phase: first = deadline + k * interval, k smallest. */
static void clamped_timers_keep_their_phase(void **state)
{
	(void)state;
	random_state = 23;
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t interval = 1 + random_below((uint64_t)3600 * NSEC);
		struct tnb_time host = make(-(int64_t)random_below(TNB_SEC_MAX),
					    (uint32_t)random_below(NSEC));
		struct tnb_time first = tnb_deadline_clamp(host, interval);

		if (to_ns(host) > 0) {
			assert_ns(first, to_ns(host));
			continue;
		}
		assert_true(to_ns(first) > 0);
		assert_true(to_ns(first) <= (wide)interval);
		assert_true((to_ns(first) - to_ns(host)) % (wide)interval == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(family_of_every_clock_id),
		cmocka_unit_test(dynamic_clocks_have_no_family),
		cmocka_unit_test(add_carries_at_the_full_second),
		cmocka_unit_test(add_takes_negative_times),
		cmocka_unit_test(sub_borrows_a_second),
		cmocka_unit_test(sub_goes_below_zero),
		cmocka_unit_test(sums_span_1970_to_2262),
		cmocka_unit_test(sub_undoes_add),
		cmocka_unit_test(from_ns_rounds_down),
		cmocka_unit_test(from_ns_takes_the_whole_range),
		cmocka_unit_test(from_ns_is_exact),
		cmocka_unit_test(offset_moves_the_host_time),
		cmocka_unit_test(offset_reaches_the_range_ends),
		cmocka_unit_test(offset_clock_ignores_rate_fields),
		cmocka_unit_test(rate_clock_ignores_offset_fields),
		cmocka_unit_test(rate_one_equals_an_offset),
		cmocka_unit_test(rate_zero_stands_still),
		cmocka_unit_test(rate_of_a_1024th),
		cmocka_unit_test(rate_of_one_half),
		cmocka_unit_test(rate_of_two),
		cmocka_unit_test(rate_of_a_thousand),
		cmocka_unit_test(rate_runs_backwards_from_the_reference),
		cmocka_unit_test(rate_is_exact),
		cmocka_unit_test(highest_rate_over_the_whole_range),
		cmocka_unit_test(monotone_over_host_seconds),
		cmocka_unit_test(monotone_over_virtual_seconds),
		cmocka_unit_test(monotone_over_the_reference),
		cmocka_unit_test(deadlines_are_never_negative_nor_zero),
		cmocka_unit_test(clamped_timers_keep_their_phase),
	};

	return cmocka_run_group_tests_name("timekeeper", tests, NULL, NULL);
}
