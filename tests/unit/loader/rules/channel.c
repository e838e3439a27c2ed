/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a loader is there, by its beats. Their clock is not ours where the
 * caller lives in a rule, so they are judged by whether they change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/latch.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "rules/channel.h"

#define DAY_NS 86400000000000ULL

static struct tnb_loader_state state;
static bool ending;

static void beats(__u64 loader, __u64 guard)
{
	tnb_store_release(state.beat_ns[TNB_BEAT_LOADER], loader);
	tnb_store_release(state.beat_ns[TNB_BEAT_GUARD], guard);
}

/* By a clock that hardly moves: how long a look takes does not matter. */
static void *beat_on(void *unused)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	(void)unused;
	while (!tnb_load_acquire(ending)) {
		__atomic_add_fetch(&state.beat_ns[TNB_BEAT_LOADER], 1,
				   __ATOMIC_RELEASE);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The loader beats on from `first`, the guard does not. */
static bool lives_on(__u64 first, __u64 guard)
{
	pthread_t thread;
	bool lives;

	beats(first, guard);
	tnb_store_release(ending, false);
	assert_int_equal(pthread_create(&thread, NULL, beat_on, NULL), 0);
	lives = tnb_channel_has_loader(&state);
	tnb_store_release(ending, true);
	pthread_join(thread, NULL);
	return lives;
}

static void there_never_was_one(void **unused)
{
	(void)unused;
	memset(&state, 0, sizeof(state));
	assert_false(tnb_channel_has_loader(&state));
}

/* A caller without a CPU sees them older. */
static void beats_that_are_young(void **unused)
{
	(void)unused;
	beats(tnb_clock_now() + DAY_NS, tnb_clock_now() + DAY_NS);
	assert_false(tnb_channel_has_loader(&state));
	do
		beats(tnb_clock_now(), tnb_clock_now());
	while (!tnb_channel_has_loader(&state));
}

static void beats_of_another_clock(void **unused)
{
	__u64 first = tnb_clock_now() - DAY_NS;

	(void)unused;
	assert_true(lives_on(first, first));
}

static void old_beats_that_do_not_change(void **unused)
{
	(void)unused;
	beats(tnb_clock_now() - 2 * TNB_BEAT_GONE_NS,
	      tnb_clock_now() - 2 * TNB_BEAT_GONE_NS);
	assert_false(tnb_channel_has_loader(&state));
}

static void the_guard_saw_the_end(void **unused)
{
	(void)unused;
	beats(tnb_clock_now(), 0);
	assert_false(tnb_channel_has_loader(&state));
	assert_false(lives_on(tnb_clock_now() - DAY_NS, 0));
}

/* A guard without a CPU for a while is one, a guard that was killed is not. */
static void the_guard_beats_no_more(void **unused)
{
	__u64 first = tnb_clock_now() - DAY_NS;

	(void)unused;
	assert_true(lives_on(first, first - TNB_BEAT_GONE_NS / 2));
	assert_false(lives_on(first, first - TNB_BEAT_GONE_NS));
}

static void a_patcher_is_known_by_more_than_its_number(void **unused)
{
	__u64 *patcher = &state.patcher[(__u32)getpid() % TNB_PATCHERS];

	(void)unused;
	memset(&state, 0, sizeof(state));
	assert_false(tnb_channel_is_patcher(&state, getpid()));
	assert_false(tnb_channel_is_patcher(&state, 0));
	tnb_channel_be_patcher(&state);
	assert_true(tnb_channel_is_patcher(&state, getpid()));
	assert_false(tnb_channel_is_patcher(&state, getppid()));
	/* An earlier process of this number. */
	(*patcher)--;
	assert_false(tnb_channel_is_patcher(&state, getpid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_never_was_one),
		cmocka_unit_test(beats_that_are_young),
		cmocka_unit_test(beats_of_another_clock),
		cmocka_unit_test(old_beats_that_do_not_change),
		cmocka_unit_test(the_guard_saw_the_end),
		cmocka_unit_test(the_guard_beats_no_more),
		cmocka_unit_test(a_patcher_is_known_by_more_than_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
