/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * include/abi/latch.h against a writer that follows the protocol of
 * bpf/user/page_writer.bpf.c: with threads, and step by step, where the reader
 * is stopped by a page fault at its first look at the copies.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <abi/latch.h>

#define NSEC 1000000000u
#define POISON 0x5a5a5a5a5aLL

/* ---- The writer of bpf/user/page_writer.bpf.c -------------------------- */

#define SET_WORDS (sizeof(struct tnb_clock_set) / sizeof(uint64_t))

static void store_words(struct tnb_clock_set *to,
			const struct tnb_clock_set *from, size_t count)
{
	volatile uint64_t *words = (volatile uint64_t *)to;

	for (size_t i = 0; i < count; i++)
		words[i] = ((const uint64_t *)from)[i];
}

/* The first half of a turn; readers are sent to set[1]. */
static void write_first_copy(struct tnb_clock_page *page,
			     const struct tnb_clock_set *set, size_t words)
{
	__sync_fetch_and_add(&page->sequence, 1);
	store_words(&page->set[0], set, words);
}

/* The second half; readers are sent to set[0]. */
static void write_second_copy(struct tnb_clock_page *page,
			      const struct tnb_clock_set *set, size_t words)
{
	__sync_fetch_and_add(&page->sequence, 1);
	store_words(&page->set[1], set, words);
}

static void write_page(struct tnb_clock_page *page,
		       const struct tnb_clock_set *set)
{
	write_first_copy(page, set, SET_WORDS);
	write_second_copy(page, set, SET_WORDS);
}

/* ---- Sets that can be recognized --------------------------------------- */

/* What the clock of `family` shows at host time 0 in set `generation`. */
static struct tnb_time shown(uint64_t generation, unsigned int family)
{
	struct tnb_time time = {
		(int64_t)generation,
		(uint32_t)((generation * 1000003 + family * 17ULL) % NSEC),
	};

	return time;
}

static struct tnb_clock offset_clock(struct tnb_time time)
{
	return (struct tnb_clock){
		.offset_sec = time.sec,
		.offset_nsec = time.nsec,
		.host_ref_sec = POISON,
		.virt_ref_sec = POISON,
		.rate = POISON,
	};
}

/* The references change with each generation, only their sum is `time`. */
static struct tnb_clock rate_clock(struct tnb_time time)
{
	struct tnb_time host_ref = { 3 * time.sec, time.nsec };
	struct tnb_time virt_ref = tnb_time_add(time, host_ref);

	return (struct tnb_clock){
		.offset_sec = POISON,
		.flags = TNB_CLOCK_RATE,
		.host_ref_sec = host_ref.sec,
		.host_ref_nsec = host_ref.nsec,
		.virt_ref_sec = virt_ref.sec,
		.virt_ref_nsec = virt_ref.nsec,
		.rate = TNB_RATE_ONE,
	};
}

/* Even sets are offsets, odd sets are rates: a mixture shows neither. */
static struct tnb_clock_set make_set(uint64_t generation)
{
	struct tnb_clock_set set;

	for (unsigned int i = 0; i < TNB_CLOCKS; i++)
		set.clock[i] = generation % 2
				       ? rate_clock(shown(generation, i))
				       : offset_clock(shown(generation, i));
	return set;
}

static void publish(struct tnb_clock_page *page, uint64_t generation)
{
	const struct tnb_clock_set set = make_set(generation);

	write_page(page, &set);
}

static bool is_shown(struct tnb_time time, uint64_t generation,
		     unsigned int family)
{
	struct tnb_time wanted = shown(generation, family);

	return time.sec == wanted.sec && time.nsec == wanted.nsec;
}

static void assert_shows(const struct tnb_clock_page *page, uint64_t generation)
{
	for (unsigned int i = 0; i < TNB_CLOCKS; i++) {
		struct tnb_time time = { 0, 0 };

		assert_int_equal(
			tnb_page_read(page, (enum tnb_clock_id)i, &time), 0);
		assert_true(is_shown(time, generation, i));
	}
}

/* ---- A page that nobody changes meanwhile ------------------------------ */

static void empty_page_is_the_identity(void **state)
{
	static const struct tnb_clock_page page;
	struct tnb_time time = { 77, 5 };

	(void)state;
	assert_int_equal(tnb_page_read(&page, TNB_REALTIME, &time), 0);
	assert_int_equal(time.sec, 77);
	assert_int_equal(time.nsec, 5);
}

static void host_time_goes_in(void **state)
{
	static struct tnb_clock_page page;
	struct tnb_time time = { 100, 999999999 };
	struct tnb_time wanted = tnb_time_add(time, shown(6, TNB_BOOTTIME));

	(void)state;
	publish(&page, 6);
	assert_int_equal(tnb_page_read(&page, TNB_BOOTTIME, &time), 0);
	assert_int_equal(time.sec, wanted.sec);
	assert_int_equal(time.nsec, wanted.nsec);
}

static void every_half_of_a_turn_shows_one_set(void **state)
{
	static struct tnb_clock_page page;
	const struct tnb_clock_set next = make_set(8);

	(void)state;
	publish(&page, 7);
	assert_int_equal(page.sequence, 2);
	assert_shows(&page, 7);
	for (size_t words = 0; words <= SET_WORDS; words++) {
		page.sequence = 2;
		write_first_copy(&page, &next, words);
		assert_shows(&page, 7);
	}
	for (size_t words = 0; words <= SET_WORDS; words++) {
		page.sequence = 3;
		write_second_copy(&page, &next, words);
		assert_shows(&page, 8);
	}
}

static void sequence_may_wrap(void **state)
{
	static struct tnb_clock_page page;

	(void)state;
	page.sequence = UINT32_MAX - 1;
	publish(&page, 9);
	assert_int_equal(page.sequence, 0);
	assert_shows(&page, 9);
	publish(&page, 10);
	assert_shows(&page, 10);
}

/* ---- A page that is changed while it is read --------------------------- */

#define VM_PAGE 4096UL

/*
 * The clock page lies across two pages of memory: its head with the sequence
 * at the end of the first, its copies in the second. Only one of them can be
 * reached at a time, so that each try stops once, between its look at the
 * sequence and its look at a copy; `change` then happens.
 */
static struct {
	char *head;
	char *copies;
	struct tnb_clock_page *page;
	void (*change)(struct tnb_clock_page *page);
	uint64_t generation; /* the last one published */
	volatile unsigned int changes_left;
} stage;

static void open_copies(void)
{
	if (mprotect(stage.copies, VM_PAGE, PROT_READ | PROT_WRITE))
		abort();
	if (!stage.changes_left)
		return;
	stage.changes_left--;
	stage.change(stage.page);
	if (stage.changes_left && mprotect(stage.head, VM_PAGE, PROT_NONE))
		abort();
}

static void open_head(void)
{
	if (mprotect(stage.head, VM_PAGE, PROT_READ | PROT_WRITE) ||
	    mprotect(stage.copies, VM_PAGE, PROT_NONE))
		abort();
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)context;
	if (address - (uintptr_t)stage.copies < VM_PAGE)
		open_copies();
	else if (address - (uintptr_t)stage.head < VM_PAGE)
		open_head();
	else
		signal(signal_number, SIG_DFL);
}

static int stage_open(void **state)
{
	const size_t head_size = offsetof(struct tnb_clock_page, set);

	(void)state;
	stage.head = mmap(NULL, 2 * VM_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stage.head == MAP_FAILED)
		return -1;
	stage.copies = stage.head + VM_PAGE;
	stage.page = (void *)(stage.copies - head_size);
	stage.generation = 20;
	publish(stage.page, stage.generation);
	return 0;
}

static int stage_close(void **state)
{
	(void)state;
	return munmap(stage.head, 2 * VM_PAGE);
}

/* Read while the first `changes` tries are disturbed; all of them must be. */
static int read_disturbed(void (*change)(struct tnb_clock_page *page),
			  unsigned int changes, struct tnb_time *time)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };
	struct sigaction before;
	int r;

	stage.change = change;
	stage.changes_left = changes;
	/* Here rather than in the set-up: cmocka has a handler of its own. */
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	assert_int_equal(mprotect(stage.copies, VM_PAGE, PROT_NONE), 0);
	r = tnb_page_read(stage.page, TNB_MONOTONIC, time);
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	assert_int_equal(stage.changes_left, 0);
	return r;
}

static void publish_next(struct tnb_clock_page *page)
{
	publish(page, ++stage.generation);
}

static void write_half_of_first_copy(struct tnb_clock_page *page)
{
	const struct tnb_clock_set set = make_set(21);

	write_first_copy(page, &set, SET_WORDS / 2);
}

static void write_half_of_second_copy(struct tnb_clock_page *page)
{
	const struct tnb_clock_set set = make_set(21);

	write_second_copy(page, &set, SET_WORDS / 2);
}

static void update_within_a_read_is_seen(void **state)
{
	struct tnb_time time = { 0, 0 };

	(void)state;
	assert_int_equal(read_disturbed(publish_next, 1, &time), 0);
	assert_true(is_shown(time, 21, TNB_MONOTONIC));
}

static void copy_torn_within_a_read_is_left(void **state)
{
	struct tnb_time time = { 0, 0 };

	(void)state;
	/* Words 0 to 11 of 24: the clock that is read, word 8 on, is torn. */
	assert_int_equal(read_disturbed(write_half_of_first_copy, 1, &time), 0);
	assert_true(is_shown(time, 20, TNB_MONOTONIC));
}

static void second_copy_torn_within_a_read_is_left(void **state)
{
	const struct tnb_clock_set set = make_set(21);
	struct tnb_time time = { 0, 0 };

	(void)state;
	write_first_copy(stage.page, &set, SET_WORDS);
	assert_int_equal(read_disturbed(write_half_of_second_copy, 1, &time),
			 0);
	assert_true(is_shown(time, 21, TNB_MONOTONIC));
}

static void last_try_may_succeed(void **state)
{
	struct tnb_time time = { 0, 0 };

	(void)state;
	assert_int_equal(
		read_disturbed(publish_next, TNB_LATCH_TRIES - 1, &time), 0);
	assert_true(is_shown(time, 20 + TNB_LATCH_TRIES - 1, TNB_MONOTONIC));
}

static void page_that_never_stands_still_gives_no_time(void **state)
{
	struct tnb_time time = { 77, 5 };

	(void)state;
	assert_int_equal(read_disturbed(publish_next, TNB_LATCH_TRIES, &time),
			 -1);
	assert_int_equal(time.sec, 77);
	assert_int_equal(time.nsec, 5);
	assert_shows(stage.page, 20 + TNB_LATCH_TRIES);
}

/* ---- Threads ----------------------------------------------------------- */

#define READERS 3
#define READS 1000000
#define UPDATES 1000

struct reader {
	pthread_t thread;
	unsigned int family;
	uint64_t reads;
	uint64_t newest;  /* generation that was seen last */
	uint64_t torn;	  /* a time of no generation */
	uint64_t back;	  /* an older generation than before */
	uint64_t touched; /* failed, but *time had changed */
};

static struct tnb_clock_page shared_page;
static atomic_uint readers_left;

static void read_once(struct reader *reader)
{
	struct tnb_time time = { 0, 0 };
	uint64_t generation;

	reader->reads++;
	if (tnb_page_read(&shared_page, (enum tnb_clock_id)reader->family,
			  &time)) {
		reader->touched += time.sec || time.nsec;
		return;
	}
	generation = (uint64_t)time.sec;
	reader->torn += !is_shown(time, generation, reader->family);
	reader->back += generation < reader->newest;
	reader->newest = generation;
}

/* The writer does not stop before its readers, so that this ends. */
static void *run_reader(void *argument)
{
	struct reader *reader = argument;

	while (reader->reads < READS ||
	       (reader->newest < UPDATES && !reader->torn && !reader->back))
		read_once(reader);
	atomic_fetch_sub(&readers_left, 1);
	return NULL;
}

static void *run_writer(void *argument)
{
	(void)argument;
	for (uint64_t generation = 2; atomic_load(&readers_left); generation++)
		publish(&shared_page, generation);
	return NULL;
}

static void threads_see_whole_sets_in_order(void **state)
{
	struct reader readers[READERS] = { 0 };
	pthread_t writer;

	(void)state;
	publish(&shared_page, 1);
	atomic_store(&readers_left, READERS);
	assert_int_equal(pthread_create(&writer, NULL, run_writer, NULL), 0);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i].family = i % TNB_CLOCKS;
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
						run_reader, &readers[i]),
				 0);
	}
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	pthread_join(writer, NULL);
	for (unsigned int i = 0; i < READERS; i++) {
		assert_int_equal(readers[i].torn, 0);
		assert_int_equal(readers[i].back, 0);
		assert_int_equal(readers[i].touched, 0);
	}
}

#define staged_test(test) \
	cmocka_unit_test_setup_teardown(test, stage_open, stage_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_page_is_the_identity),
		cmocka_unit_test(host_time_goes_in),
		cmocka_unit_test(every_half_of_a_turn_shows_one_set),
		cmocka_unit_test(sequence_may_wrap),
		staged_test(update_within_a_read_is_seen),
		staged_test(copy_torn_within_a_read_is_left),
		staged_test(second_copy_torn_within_a_read_is_left),
		staged_test(last_try_may_succeed),
		staged_test(page_that_never_stands_still_gives_no_time),
		cmocka_unit_test(threads_see_whole_sets_in_order),
	};

	return cmocka_run_group_tests_name("latch", tests, NULL, NULL);
}
