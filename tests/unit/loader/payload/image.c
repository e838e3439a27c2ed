/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The images of all kernels' shapes, on kernel's data that are made up here.
 * A multiplier of 0 stands the TSC still: what is read is known to the digit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include "loader/vdso/images.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <abi/timekeeper.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../mapped.h"

#define PASS 4711u
#define YEAR 31536000LL
#define SHIFT 24u
#define NSEC 1000000000LL

static const clockid_t high_clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
					 CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
					 CLOCK_TAI };
static const clockid_t coarse_clocks[] = { CLOCK_REALTIME_COARSE,
					   CLOCK_MONOTONIC_COARSE };
#define ALL_HIGH (sizeof(high_clocks) / sizeof(*high_clocks))
#define ALL_COARSE (sizeof(coarse_clocks) / sizeof(*coarse_clocks))

/* ---- Kernel's data ----------------------------------------------------- */

struct stage {
	struct mapped mapped;
	const struct tnb_vvar_layout *layout;
	uint8_t *vvar;
};

#define VVAR_PAGES 4u

static void put(uint8_t *clock, uint16_t offset, const void *value, size_t size)
{
	if (offset != TNB_VVAR_NONE)
		memcpy(clock + offset, value, size);
}

static void put32(uint8_t *clock, uint16_t offset, uint32_t value)
{
	put(clock, offset, &value, sizeof(value));
}

static void put64(uint8_t *clock, uint16_t offset, uint64_t value)
{
	put(clock, offset, &value, sizeof(value));
}

/* The clock's data in `page`; 1: that of MONOTONIC_RAW. */
static uint8_t *data_of(const struct stage *stage, unsigned int page,
			unsigned int second)
{
	return stage->vvar + page * TNB_PAGE_SIZE + stage->layout->data +
	       second * stage->layout->second;
}

static int64_t base_sec(clockid_t clock)
{
	return 1000 + 100 * clock;
}

static int64_t base_nsec(clockid_t clock)
{
	return 999999000 - clock;
}

static bool is_coarse(clockid_t clock)
{
	return clock == CLOCK_REALTIME_COARSE ||
	       clock == CLOCK_MONOTONIC_COARSE;
}

/* MONOTONIC_RAW is in the second clock, all others are in the first: what lies
 * in the other one is wrong. */
static void fill_clock(const struct stage *stage, uint8_t *data, bool second)
{
	const struct tnb_vvar_layout *layout = stage->layout;

	put32(data, layout->seq, 20);
	put32(data, layout->clock_mode, TNB_VVAR_MODE_COUNTER);
	put64(data, layout->cycle_last, __rdtsc());
	put64(data, layout->max_cycles, 1ULL << 40);
	put32(data, layout->mult, 0);
	put32(data, layout->shift, SHIFT);
	for (clockid_t i = 0; i < (clockid_t)TNB_VVAR_CLOCKS; i++) {
		uint16_t base = (uint16_t)(layout->basetime + 16 * i);

		bool wrong = second != (i == CLOCK_MONOTONIC_RAW);

		put64(data, base, (uint64_t)base_sec(i) + 5 * wrong);
		put64(data, base + 8,
		      (uint64_t)base_nsec(i) << (is_coarse(i) ? 0 : SHIFT));
	}
}

static void fill_page(const struct stage *stage, unsigned int page)
{
	fill_clock(stage, data_of(stage, page, 0), false);
	fill_clock(stage, data_of(stage, page, 1), true);
	put32(data_of(stage, page, 0), stage->layout->zone, 77);
	put32(data_of(stage, page, 0), stage->layout->zone + 4, 7);
}

static void set_both(const struct stage *stage, uint16_t offset, uint32_t value)
{
	put32(data_of(stage, 0, 0), offset, value);
	put32(data_of(stage, 0, 1), offset, value);
}

static struct stage stage;

static int stage_open(enum tnb_vdso_layout_id layout)
{
	map_image(&stage.mapped, tnb_vdso_image(layout, false));
	stage.vvar = mmap(NULL, VVAR_PAGES * TNB_PAGE_SIZE,
			  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (stage.vvar == MAP_FAILED)
		return -1;
	if (layout != TNB_LAYOUT_raw) {
		stage.layout = &tnb_vvar_layouts[layout];
		fill_page(&stage, 0);
	}
	stage.mapped.link->vvar = (uint64_t)stage.vvar;
	stage.mapped.link->pass = PASS;
	stage.mapped.page->pass = PASS;
	return 0;
}

static void stage_close(void)
{
	unmap_image(&stage.mapped);
	munmap(stage.vvar, VVAR_PAGES * TNB_PAGE_SIZE);
}

/* ---- What must be seen ------------------------------------------------- */

static void assert_shows(clockid_t clock, int64_t sec, int64_t nsec)
{
	struct timespec time;

	assert_int_equal(stage.mapped.clock_gettime(clock, &time), 0);
	assert_int_equal(time.tv_sec, sec);
	assert_int_equal(time.tv_nsec, nsec);
}

/* Base time and `offset`, of all clocks. */
static void assert_all_show(int64_t sec, int64_t nsec)
{
	for (size_t i = 0; i < ALL_HIGH + ALL_COARSE; i++) {
		clockid_t clock = i < ALL_HIGH ? high_clocks[i]
					       : coarse_clocks[i - ALL_HIGH];
		int64_t sum = base_nsec(clock) + nsec;

		assert_shows(clock, base_sec(clock) + sec + sum / NSEC,
			     sum % NSEC);
	}
}

/* The system call's own time: nothing that this page says is added. */
static void assert_is_raw(clockid_t clock)
{
	struct timespec before, image, after;

	syscall(SYS_clock_gettime, clock, &before);
	assert_int_equal(stage.mapped.clock_gettime(clock, &image), 0);
	syscall(SYS_clock_gettime, clock, &after);
	assert_true(ns_of(&before) <= ns_of(&image));
	assert_true(ns_of(&image) <= ns_of(&after));
}

static void assert_gettimeofday_is_raw(void)
{
	struct timeval before, image, after;

	syscall(SYS_gettimeofday, &before, NULL);
	assert_int_equal(stage.mapped.gettimeofday(&image, NULL), 0);
	syscall(SYS_gettimeofday, &after, NULL);
	assert_false(timercmp(&image, &before, <));
	assert_false(timercmp(&after, &image, <));
}

static void assert_time_is_raw(void)
{
	time_t before = syscall(SYS_time, NULL), image, stored;

	image = stage.mapped.time(&stored);
	assert_in_range(image, before, syscall(SYS_time, NULL));
	assert_int_equal(image, stored);
}

/* ---- One shape --------------------------------------------------------- */

static void an_identity_is_the_hosts_time(void)
{
	assert_all_show(0, 0);
}

static void offsets_are_added(void)
{
	publish_offset(stage.mapped.page, 3 * YEAR, 0);
	assert_all_show(3 * YEAR, 0);
	publish_offset(stage.mapped.page, -500, 0);
	assert_all_show(-500, 0);
	/* A nanosecond less than nothing, and all that carries. */
	publish_offset(stage.mapped.page, -1, 999999999);
	assert_all_show(-1, 999999999);
	publish_offset(stage.mapped.page, 5, 1500);
	assert_all_show(5, 1500);
	/* Base times that are before the epoch afterwards. */
	publish_offset(stage.mapped.page, -YEAR, 1);
	assert_all_show(-YEAR, 1);
}

static void each_family_has_its_own(void)
{
	struct tnb_clock_page *page = stage.mapped.page;

	publish_offset(page, 0, 0);
	for (int i = 0; i < TNB_CLOCKS; i++)
		page->set[0].clock[i].offset_sec = 1000000 * (i + 1);
	for (size_t i = 0; i < ALL_HIGH; i++) {
		clockid_t clock = high_clocks[i];
		int family = tnb_family_of((unsigned int)clock);

		assert_shows(clock, base_sec(clock) + 1000000 * (family + 1),
			     base_nsec(clock));
	}
	assert_shows(CLOCK_REALTIME_COARSE, 1500 + 1000000, 999998995);
	assert_shows(CLOCK_MONOTONIC_COARSE, 1600 + 2000000, 999998994);
}

static void the_sequence_picks_the_copy(void)
{
	struct tnb_clock_page *page = stage.mapped.page;

	publish_offset(page, 1, 0);
	for (int i = 0; i < TNB_CLOCKS; i++)
		page->set[1].clock[i].offset_sec = 2;
	page->sequence = 6;
	assert_all_show(1, 0);
	page->sequence = 7;
	assert_all_show(2, 0);
	page->sequence = 0;
}

static void rates_are_the_timekeepers(void)
{
	const struct tnb_clock clock = {
		.flags = TNB_CLOCK_RATE,
		.host_ref_sec = 1500,
		.host_ref_nsec = 7,
		.virt_ref_sec = YEAR,
		.virt_ref_nsec = 999999999,
		.rate = 5 * TNB_RATE_ONE / 2,
		.offset_sec = 12345, /* not in force */
	};

	for (int i = 0; i < TNB_CLOCKS; i++)
		stage.mapped.page->set[0].clock[i] = clock;
	for (size_t i = 0; i < ALL_HIGH + ALL_COARSE; i++) {
		clockid_t id = i < ALL_HIGH ? high_clocks[i]
					    : coarse_clocks[i - ALL_HIGH];
		struct tnb_time host = { base_sec(id),
					 (uint32_t)base_nsec(id) };
		struct tnb_time wanted = tnb_clock_read(&clock, host);

		assert_shows(id, wanted.sec, wanted.nsec);
	}
}

static void gettimeofday_is_in_microseconds(void)
{
	struct timeval time = { 0 };
	struct timezone zone = { 0 };

	publish_offset(stage.mapped.page, 10, 2000);
	assert_int_equal(stage.mapped.gettimeofday(&time, NULL), 0);
	assert_int_equal(time.tv_sec, base_sec(CLOCK_REALTIME) + 11);
	assert_int_equal(time.tv_usec, 1);
	memset(&time, 0, sizeof(time));
	assert_int_equal(stage.mapped.gettimeofday(&time, &zone), 0);
	assert_int_equal(time.tv_sec, base_sec(CLOCK_REALTIME) + 11);
	assert_int_equal(time.tv_usec, 1);
	assert_int_equal(zone.tz_minuteswest, 77);
	assert_int_equal(zone.tz_dsttime, 7);
	memset(&zone, 0, sizeof(zone));
	assert_int_equal(stage.mapped.gettimeofday(NULL, &zone), 0);
	assert_int_equal(zone.tz_minuteswest, 77);
	assert_int_equal(stage.mapped.gettimeofday(NULL, NULL), 0);
}

/* The kernel's time() on the virtual clock: its coarse second, no more and no
 * less. */
static void time_is_the_coarse_second(void)
{
	static const uint32_t nsec[] = { 0, 1000, 1004, 1005, 1006, 999999999 };

	for (size_t i = 0; i < sizeof(nsec) / sizeof(*nsec); i++) {
		struct timespec coarse;
		time_t stored = 0;

		publish_offset(stage.mapped.page, -7, nsec[i]);
		stage.mapped.clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
		assert_int_equal(stage.mapped.time(&stored), coarse.tv_sec);
		assert_int_equal(stored, coarse.tv_sec);
		assert_int_equal(stage.mapped.time(NULL), coarse.tv_sec);
		stage.mapped.page->set[0].clock[0].flags = TNB_CLOCK_RATE;
		stage.mapped.clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
		assert_int_equal(stage.mapped.time(&stored), coarse.tv_sec);
	}
}

static void without_a_pass_the_system_call_tells(void)
{
	publish_offset(stage.mapped.page, YEAR, 0);
	for (uint64_t pass = 0; pass < 2; pass++) {
		stage.mapped.page->pass = pass ? PASS + 1 : 0;
		for (size_t i = 0; i < ALL_HIGH; i++)
			assert_is_raw(high_clocks[i]);
		for (size_t i = 0; i < ALL_COARSE; i++)
			assert_is_raw(coarse_clocks[i]);
		assert_gettimeofday_is_raw();
		assert_time_is_raw();
	}
	/* The slow path looks too. */
	stage.mapped.page->set[0].clock[0].flags = TNB_CLOCK_RATE;
	assert_is_raw(CLOCK_REALTIME);
}

/* Marked by the loader in the link, or by BPF in the page. */
static void where_no_call_may_be_made_the_page_tells_without_a_pass(void)
{
	struct tnb_vdso_link *link = stage.mapped.link;
	struct timeval time;

	publish_offset(stage.mapped.page, YEAR, 0);
	stage.mapped.page->pass = PASS + 1;
	for (int in_page = 0; in_page < 2; in_page++) {
		stage.mapped.page->no_calls = in_page;
		link->no_calls = !in_page;
		assert_all_show(YEAR, 0);
		assert_int_equal(stage.mapped.gettimeofday(&time, NULL), 0);
		assert_int_equal(time.tv_sec, base_sec(CLOCK_REALTIME) + YEAR);
		assert_int_equal(stage.mapped.time(NULL),
				 base_sec(CLOCK_REALTIME_COARSE) + YEAR);
	}
	stage.mapped.page->no_calls = 0;
	assert_is_raw(CLOCK_REALTIME);
}

/* Coarse clocks and time() do not need the TSC. */
static void other_clock_sources_are_the_system_calls(void)
{
	static const uint32_t modes[] = { 0, 2, 3, 4, UINT32_MAX };

	publish_offset(stage.mapped.page, YEAR, 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		set_both(&stage, stage.layout->clock_mode, modes[i]);
		for (size_t j = 0; j < ALL_HIGH; j++)
			assert_is_raw(high_clocks[j]);
		assert_gettimeofday_is_raw();
		for (size_t j = 0; j < ALL_COARSE; j++)
			assert_shows(coarse_clocks[j],
				     base_sec(coarse_clocks[j]) + YEAR,
				     base_nsec(coarse_clocks[j]));
		assert_int_equal(stage.mapped.time(NULL),
				 base_sec(CLOCK_REALTIME_COARSE) + YEAR);
	}
}

/* Offsets of a namespace: what the page shows in place of base times. */
static void enter_time_namespace(unsigned int second)
{
	const struct tnb_vvar_layout *layout = stage.layout;
	uint8_t *data = data_of(&stage, 0, second);

	put32(data, layout->seq, 1);
	put32(data, layout->clock_mode, TNB_VVAR_MODE_TIMENS);
	put64(data, layout->max_cycles, 0);
	for (clockid_t i = 0; i < (clockid_t)TNB_VVAR_CLOCKS; i++) {
		bool moved = tnb_family_of((unsigned int)i) != TNB_REALTIME;
		uint16_t base = (uint16_t)(layout->basetime + 16 * i);

		put64(data, base, moved ? (uint64_t)-50 : 0);
		put64(data, base + 8, moved ? 400000000 : 0);
	}
}

static void time_namespaces_come_first(void)
{
	struct timezone zone = { 0 };
	struct timeval time;

	fill_page(&stage, stage.layout->timens_page);
	memset(stage.vvar, 0, TNB_PAGE_SIZE);
	enter_time_namespace(0);
	enter_time_namespace(1);
	for (int round = 0; round < 2; round++) {
		publish_offset(stage.mapped.page, 1000 * round, 0);
		for (size_t i = 0; i < ALL_HIGH + ALL_COARSE; i++) {
			clockid_t clock = i < ALL_HIGH
						  ? high_clocks[i]
						  : coarse_clocks[i - ALL_HIGH];
			bool moved = tnb_family_of((unsigned int)clock) !=
				     TNB_REALTIME;

			if (moved)
				assert_shows(clock,
					     base_sec(clock) - 49 +
						     1000 * round,
					     base_nsec(clock) - 600000000);
			else
				assert_shows(clock,
					     base_sec(clock) + 1000 * round,
					     base_nsec(clock));
		}
		assert_int_equal(stage.mapped.time(NULL),
				 base_sec(CLOCK_REALTIME_COARSE) +
					 1000 * round);
		assert_int_equal(stage.mapped.gettimeofday(&time, &zone), 0);
		assert_int_equal(time.tv_sec,
				 base_sec(CLOCK_REALTIME) + 1000 * round);
		assert_int_equal(zone.tz_minuteswest, 77);
	}
	stage.mapped.page->pass = 0;
	assert_is_raw(CLOCK_MONOTONIC);
}

static void unknown_clocks_are_the_system_calls(void)
{
	static const clockid_t own[] = { CLOCK_PROCESS_CPUTIME_ID,
					 CLOCK_THREAD_CPUTIME_ID,
					 CLOCK_REALTIME_ALARM,
					 CLOCK_BOOTTIME_ALARM };
	static const clockid_t wrong[] = { 10, 12, 15, 16,	 31,
					   32, 33, 64, INT32_MAX };
	struct timespec time;

	publish_offset(stage.mapped.page, YEAR, 0);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!syscall(SYS_clock_gettime, own[i], &time))
			assert_is_raw(own[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(stage.mapped.clock_gettime(wrong[i], &time),
				 -EINVAL);
	/* The CPU clock of this process, by its number. */
	assert_is_raw((clockid_t)(~(unsigned int)getpid() << 3 | 2));
}

/* ---- The TSC ----------------------------------------------------------- */

#define MULT 12345678u

/* As the kernel has it. */
static __int128 wanted_ns(clockid_t clock, uint64_t cycles, uint64_t last)
{
	__int128 base = (__int128)base_nsec(clock) << SHIFT;
	__int128 delta = (int64_t)(cycles - last);

	if (delta < 0)
		delta = 0;
	return base_sec(clock) * (__int128)NSEC +
	       ((delta * MULT + base) >> SHIFT);
}

static void assert_follows_the_tsc(uint64_t last)
{
	for (int i = 0; i < 10000; i++) {
		clockid_t clock = high_clocks[(size_t)i % ALL_HIGH];
		struct timespec time;
		unsigned int cpu;
		uint64_t before = __rdtscp(&cpu);
		int r = stage.mapped.clock_gettime(clock, &time);
		uint64_t after = __rdtscp(&cpu);

		assert_int_equal(r, 0);
		assert_true(wanted_ns(clock, before, last) <= ns_of(&time));
		assert_true(ns_of(&time) <= wanted_ns(clock, after, last));
		assert_in_range(time.tv_nsec, 0, 999999999);
	}
}

static void set_last(uint64_t last, uint64_t max_cycles)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t *data = data_of(&stage, 0, i);

		put64(data, stage.layout->cycle_last, last);
		put64(data, stage.layout->max_cycles, max_cycles);
		put32(data, stage.layout->mult, MULT);
	}
}

static void cycles_are_scaled(void)
{
	uint64_t last = __rdtsc();

	set_last(last, UINT64_MAX >> 2);
	assert_follows_the_tsc(last);
}

/* More than 64 bits of nanoseconds times 2^shift, where the kernel can. */
static void many_cycles_are_scaled(void)
{
	uint64_t last = __rdtsc() - (1ULL << 42);

	if (stage.layout->max_cycles == TNB_VVAR_NONE)
		return;
	set_last(last, 1ULL << 32);
	/* Some thousand seconds: subtracted one by one. */
	assert_follows_the_tsc(last);
}

static void a_tsc_that_lies_behind_stands_still(void)
{
	set_last(__rdtsc() + (1ULL << 36), 1ULL << 40);
	assert_all_show(0, 0);
}

/* ---- While something changes ------------------------------------------- */

static atomic_bool stop;

static void *finish_update(void *argument)
{
	usleep(20000);
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t *data = data_of(&stage, 0, i);

		put64(data, stage.layout->basetime, 9000);
		__atomic_store_n((uint32_t *)(data + stage.layout->seq), 22,
				 __ATOMIC_RELEASE);
	}
	return argument;
}

static void an_update_of_the_kernel_is_waited_for(void)
{
	pthread_t thread;

	set_both(&stage, stage.layout->seq, 21);
	publish_offset(stage.mapped.page, 5, 0);
	assert_int_equal(pthread_create(&thread, NULL, finish_update, NULL), 0);
	assert_shows(CLOCK_REALTIME, 9005, base_nsec(CLOCK_REALTIME));
	pthread_join(thread, NULL);
}

/* As bpf/user/page_writer.bpf.c: the copy that nobody is sent to. */
static void publish(struct tnb_clock_page *page, int64_t generation)
{
	const struct tnb_clock clock = {
		.offset_sec = generation,
		.offset_nsec = (uint32_t)(generation % 1000 * 1000003 % NSEC),
	};

	for (int half = 0; half < 2; half++) {
		__sync_fetch_and_add(&page->sequence, 1);
		for (int i = 0; i < TNB_CLOCKS; i++) {
			volatile struct tnb_clock *to =
				&page->set[half].clock[i];

			to->offset_sec = clock.offset_sec;
			to->offset_nsec = clock.offset_nsec;
		}
	}
}

static void *keep_writing(void *argument)
{
	for (int64_t generation = 1; !atomic_load(&stop); generation++)
		publish(stage.mapped.page, generation);
	return argument;
}

static bool is_whole(const struct timespec *time)
{
	return time->tv_nsec == time->tv_sec % 1000 * 1000003 % NSEC;
}

/* Base times of 0, so that a whole time is a whole offset. A read that was
 * refused is the system call's, of this century, and long after. */
static void no_time_is_torn(void)
{
	pthread_t thread;
	unsigned int torn = 0, back = 0, seen = 0;
	int64_t newest = 0;

	for (unsigned int i = 0; i < 2; i++)
		memset(data_of(&stage, 0, i) + stage.layout->basetime, 0,
		       16 * TNB_VVAR_CLOCKS);
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, keep_writing, NULL), 0);
	for (int i = 0; i < 300000; i++) {
		struct timespec time;

		stage.mapped.clock_gettime(
			i & 1 ? CLOCK_REALTIME_COARSE : CLOCK_REALTIME, &time);
		if (time.tv_sec > 1000000000)
			continue;
		seen++;
		torn += !is_whole(&time);
		back += time.tv_sec < newest;
		newest = time.tv_sec;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(torn, 0);
	assert_int_equal(back, 0);
	assert_true(seen > 1000);
}

/* ---- While a read is stopped half-way ---------------------------------- */

/*
 * The kernel's data lie across two pages of memory here: sequence and mode at
 * the end of the first, the rest in the second. What cannot be reached stops
 * the read, `step` happens, and the read goes on.
 */
static struct {
	uint8_t *pages;
	void (*step)(void);
	unsigned int steps;
} stop_at;

static void protect(unsigned int page, int protection)
{
	if (mprotect(stop_at.pages + page * TNB_PAGE_SIZE, TNB_PAGE_SIZE,
		     protection))
		abort();
}

static void open_both(void)
{
	protect(0, PROT_READ | PROT_WRITE);
	protect(1, PROT_READ | PROT_WRITE);
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	uint64_t offset = (uint64_t)info->si_addr - (uint64_t)stop_at.pages;

	(void)context;
	if (offset >= 2 * TNB_PAGE_SIZE) {
		signal(signal_number, SIG_DFL);
		return;
	}
	stop_at.steps++;
	open_both();
	stop_at.step();
}

/* Clear of page 2 and 3, which a time namespace would need. */
static void move_data(void)
{
	const struct tnb_vvar_layout *layout = stage.layout;
	uint8_t *old = stage.vvar;

	stop_at.pages = stage.vvar;
	stage.vvar += TNB_PAGE_SIZE - layout->data - 8;
	memmove(stage.vvar, old, TNB_PAGE_SIZE);
	stage.mapped.link->vvar = (uint64_t)stage.vvar;
}

static void move_back(void)
{
	stage.vvar = stop_at.pages;
}

static struct timespec by_gettime(clockid_t clock)
{
	struct timespec time;

	assert_int_equal(stage.mapped.clock_gettime(clock, &time), 0);
	return time;
}

/* With a time zone: by the slow path at once. */
static struct timespec by_timeofday(clockid_t clock)
{
	struct timezone zone;
	struct timeval time;

	(void)clock;
	assert_int_equal(stage.mapped.gettimeofday(&time, &zone), 0);
	return (struct timespec){ .tv_sec = time.tv_sec };
}

static struct timespec by_time(clockid_t clock)
{
	(void)clock;
	return (struct timespec){ .tv_sec = stage.mapped.time(NULL) };
}

/* Read `clock`, which `step` meets at its first look at `page`. */
static struct timespec stop_reader(struct timespec (*read)(clockid_t clock),
				   clockid_t clock, unsigned int page,
				   void (*step)(void))
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };
	struct sigaction before;
	struct timespec time;

	stop_at.step = step;
	stop_at.steps = 0;
	/* Here, for cmocka has a handler of its own. */
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	protect(page, PROT_NONE);
	time = read(clock);
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	assert_true(stop_at.steps > 0);
	return time;
}

static struct timespec read_stopped(clockid_t clock, unsigned int page,
				    void (*step)(void))
{
	return stop_reader(by_gettime, clock, page, step);
}

/* The first half of a writer's turn, and of that only the seconds. */
static void write_half_of_the_copy_in_force(void)
{
	struct tnb_clock_page *page = stage.mapped.page;

	page->sequence++;
	for (int i = 0; i < TNB_CLOCKS; i++)
		page->set[0].clock[i].offset_sec = 2000;
}

static void write_all(void)
{
	publish_offset(stage.mapped.page, 3000, 3);
	stage.mapped.page->sequence += 2;
}

static void lose_the_pass(void)
{
	stage.mapped.page->pass = 0;
}

static void assert_is(clockid_t clock, const struct timespec *time, int64_t sec,
		      int64_t nsec)
{
	int64_t sum = base_nsec(clock) + nsec;

	assert_int_equal(time->tv_sec, base_sec(clock) + sec + sum / NSEC);
	assert_int_equal(time->tv_nsec, sum % NSEC);
}

static void numbers_that_change_meanwhile_are_read_again(void)
{
	struct timespec time;

	move_data();
	for (size_t i = 0; i < ALL_HIGH + ALL_COARSE; i++) {
		clockid_t clock = i < ALL_HIGH ? high_clocks[i]
					       : coarse_clocks[i - ALL_HIGH];

		/* All of MONOTONIC_RAW is in the second page. */
		for (unsigned int page = clock == CLOCK_MONOTONIC_RAW; page < 2;
		     page++) {
			stage.mapped.page->sequence = 0;
			stage.mapped.page->pass = PASS;
			publish_offset(stage.mapped.page, 1000, 1);
			time = read_stopped(clock, page,
					    write_half_of_the_copy_in_force);
			assert_is(clock, &time, 1000, 1);
			stage.mapped.page->sequence = 0;
			publish_offset(stage.mapped.page, 1000, 1);
			time = read_stopped(clock, page, write_all);
			assert_is(clock, &time, 3000, 3);
			/* In the slow path as well. */
			stage.mapped.page->sequence = 0;
			publish_offset(stage.mapped.page, 1000, 1);
			for (int j = 0; j < TNB_CLOCKS; j++)
				stage.mapped.page->set[0].clock[j].flags =
					TNB_CLOCK_RATE;
			time = read_stopped(clock, page, write_all);
			assert_is(clock, &time, 3000, 3);
		}
	}
	for (unsigned int page = 0; page < 2; page++) {
		stage.mapped.page->sequence = 0;
		publish_offset(stage.mapped.page, 1000, 0);
		assert_int_equal(stop_reader(by_time, CLOCK_REALTIME, page,
					     write_half_of_the_copy_in_force)
					 .tv_sec,
				 base_sec(CLOCK_REALTIME_COARSE) + 1000);
	}
	stage.mapped.page->sequence = 0;
	publish_offset(stage.mapped.page, YEAR, 0);
	time = read_stopped(CLOCK_REALTIME, 0, lose_the_pass);
	assert_true(time.tv_sec > 1000000000);
	move_back();
}

static void put_base(uint64_t sec, uint32_t seq)
{
	uint8_t *data = data_of(&stage, 0, 0);

	for (clockid_t i = 0; i < (clockid_t)TNB_VVAR_CLOCKS; i++)
		put64(data, (uint16_t)(stage.layout->basetime + 16 * i), sec);
	put32(data, stage.layout->seq, seq);
}

static void finish_kernels_update(void)
{
	put_base(8000, 32);
}

/* Wrong seconds, until somebody looks at the sequence again. */
static void begin_kernels_update(void)
{
	put_base(7000, 31);
	stop_at.step = finish_kernels_update;
	protect(0, PROT_NONE);
}

static void an_update_of_the_kernel_meanwhile_is_seen(void)
{
	move_data();
	for (size_t i = 0; i < ALL_HIGH + ALL_COARSE; i++) {
		clockid_t clock = i < ALL_HIGH ? high_clocks[i]
					       : coarse_clocks[i - ALL_HIGH];
		struct timespec time;

		if (clock == CLOCK_MONOTONIC_RAW)
			continue;
		put_base(6000, 30);
		time = read_stopped(clock, 1, begin_kernels_update);
		assert_int_equal(time.tv_sec, 8000);
	}
	put_base(6000, 30);
	assert_int_equal(stop_reader(by_timeofday, CLOCK_REALTIME, 1,
				     begin_kernels_update)
				 .tv_sec,
			 8000);
	publish_offset(stage.mapped.page, 0, 1);
	put_base(6000, 30);
	assert_int_equal(
		stop_reader(by_time, CLOCK_REALTIME, 1, begin_kernels_update)
			.tv_sec,
		8000);
	move_back();
}

/* ---- What is not a time ------------------------------------------------ */

/* More arguments than registers hold: the last three are on the stack. */
typedef long wide_function(long a, long b, long c, long d, long e, long f,
			   long g, long h, long i);

#define KERNELS_OWN(name, twin)                                            \
	static long kernels_##name(long a, long b, long c, long d, long e, \
				   long f, long g, long h, long i)         \
	{                                                                  \
		return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + \
		       8 * h + 9 * i + 1000 * (TNB_FORWARD_##name + 1);    \
	}
TNB_VDSO_FORWARDS(KERNELS_OWN)

static void assert_is_forwarded(const char *name, unsigned int number)
{
	wide_function *function =
		(wide_function *)mapped_function(&stage.mapped, name);

	assert_non_null(function);
	assert_int_equal(function(9, 8, 7, 6, 5, 4, 3, 2, 1),
			 165 + 1000 * (number + 1));
}

static void the_rest_is_the_kernels(void)
{
#define TWIN(name, number) assert_is_forwarded(#name, number);
#define ALONE(name, number) assert_null(mapped_function(&stage.mapped, #name));
#define LINK(name, twin)                                 \
	stage.mapped.link->forward[TNB_FORWARD_##name] = \
		(uint64_t)kernels_##name;
#define CHECK(name, twin)                                         \
	assert_is_forwarded("__vdso_" #name, TNB_FORWARD_##name); \
	twin(name, TNB_FORWARD_##name)
	TNB_VDSO_FORWARDS(LINK)
	TNB_VDSO_FORWARDS(CHECK)
}

/* ---- All shapes -------------------------------------------------------- */

static void on_every_shape(void (*test)(void))
{
	for (unsigned int i = 0; i < TNB_LAYOUT_raw; i++) {
		assert_int_equal(stage_open((enum tnb_vdso_layout_id)i), 0);
		test();
		stage_close();
	}
}

static void raw_makes_system_calls(void **state)
{
	(void)state;
	assert_int_equal(stage_open(TNB_LAYOUT_raw), 0);
	publish_offset(stage.mapped.page, YEAR, 0);
	for (size_t i = 0; i < ALL_HIGH; i++)
		assert_is_raw(high_clocks[i]);
	for (size_t i = 0; i < ALL_COARSE; i++)
		assert_is_raw(coarse_clocks[i]);
	assert_gettimeofday_is_raw();
	assert_time_is_raw();
	the_rest_is_the_kernels();
	stage_close();
}

/* X(test) */
#define TESTS(X)                                                   \
	X(an_identity_is_the_hosts_time)                           \
	X(offsets_are_added)                                       \
	X(each_family_has_its_own)                                 \
	X(the_sequence_picks_the_copy)                             \
	X(rates_are_the_timekeepers)                               \
	X(gettimeofday_is_in_microseconds)                         \
	X(time_is_the_coarse_second)                               \
	X(without_a_pass_the_system_call_tells)                    \
	X(where_no_call_may_be_made_the_page_tells_without_a_pass) \
	X(other_clock_sources_are_the_system_calls)                \
	X(time_namespaces_come_first)                              \
	X(unknown_clocks_are_the_system_calls)                     \
	X(cycles_are_scaled)                                       \
	X(many_cycles_are_scaled)                                  \
	X(a_tsc_that_lies_behind_stands_still)                     \
	X(an_update_of_the_kernel_is_waited_for)                   \
	X(no_time_is_torn)                                         \
	X(numbers_that_change_meanwhile_are_read_again)            \
	X(an_update_of_the_kernel_meanwhile_is_seen)               \
	X(the_rest_is_the_kernels)

#define ON_EVERY_SHAPE(test)                 \
	static void all_##test(void **state) \
	{                                    \
		(void)state;                 \
		on_every_shape(test);        \
	}
TESTS(ON_EVERY_SHAPE)

int main(void)
{
#define ENTRY(test) cmocka_unit_test(all_##test),
	const struct CMUnitTest tests[] = {
		TESTS(ENTRY) cmocka_unit_test(raw_makes_system_calls),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
