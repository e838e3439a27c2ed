/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The images of 32-bit programs, on kernel's data that are made up here. A
 * multiplier of 0 stands the TSC still: what is read is known to the digit.
 *
 * image_32 DIRECTORY: where the images are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <abi/latch.h>
#include <abi/tables/layouts.h>
#include <abi/vdso_link.h>
#include <linux/time_types.h>
#include <x86intrin.h>

#define PASS 4711
#define SHIFT 24u

struct timespec_32 {
	__s32 sec, nsec;
};

/* compat/image.lds */
typedef int gettime_function(int, struct timespec_32 *);
typedef int gettime64_function(int, struct __kernel_timespec *);
typedef int timeofday_function(struct timespec_32 *, struct timezone *);
typedef __s32 time_function(__s32 *);
#define GETTIME 0x600
#define GETTIME64 0x650
#define TIMEOFDAY 0x6b0
#define TIME 0x750

static const char *layout_name;
static const struct tnb_vvar_layout *layout;
static unsigned char *vvar;
static unsigned char *pages;
static int failed;

#define EXPECT(what)                                                       \
	do {                                                               \
		if (!(what)) {                                             \
			printf("%s: line %d: %s\n", layout_name, __LINE__, \
			       #what);                                     \
			failed = 1;                                        \
		}                                                          \
	} while (0)

static struct tnb_clock_page *page(void)
{
	return (struct tnb_clock_page *)pages;
}

static struct tnb_vdso_link *link_page(void)
{
	return (struct tnb_vdso_link *)(pages + TNB_PAGE_SIZE);
}

static void *entry(unsigned int offset)
{
	return pages + 2 * TNB_PAGE_SIZE + offset;
}

static gettime64_function *gettime64(void)
{
	return (gettime64_function *)entry(GETTIME64);
}

static void put(unsigned int at, const void *value, size_t size)
{
	memcpy(vvar + at, value, size);
}

static void put32(unsigned int at, __u32 value)
{
	put(at, &value, sizeof(value));
}

static void put64(unsigned int at, __u64 value)
{
	put(at, &value, sizeof(value));
}

static __s64 base_sec(int clock)
{
	return 1000 + 100 * clock;
}

static void fill_clock(unsigned int data)
{
	put32(data + layout->seq, 20);
	put32(data + layout->clock_mode, TNB_VVAR_MODE_COUNTER);
	put64(data + layout->cycle_last, __rdtsc());
	if (layout->max_cycles != TNB_VVAR_NONE)
		put64(data + layout->max_cycles, 1ULL << 40);
	put32(data + layout->mult, 0);
	put32(data + layout->shift, SHIFT);
	for (int i = 0; i < (int)TNB_VVAR_CLOCKS; i++) {
		int coarse = i == CLOCK_REALTIME_COARSE ||
			     i == CLOCK_MONOTONIC_COARSE;

		put64(data + layout->basetime + 16 * i, base_sec(i));
		put64(data + layout->basetime + 16 * i + 8,
		      999999000ULL << (coarse ? 0 : SHIFT));
	}
}

static struct tnb_clock *clock_at(int family)
{
	return &page()->set[0].clock[family];
}

static void reset(void)
{
	memset(pages, 0, TNB_PAGE_SIZE);
	fill_clock(layout->data);
	fill_clock(layout->data + layout->second);
	*link_page() = (struct tnb_vdso_link){
		.magic = TNB_VDSO_LINK_MAGIC,
		.pass = PASS,
		.vvar = (unsigned long)vvar,
	};
	page()->pass = PASS;
	for (int i = 0; i < (int)TNB_CLOCKS; i++)
		*clock_at(i) = (struct tnb_clock){ .offset_sec = 5000000000LL,
						   .offset_nsec = 1500 };
}

static const int clocks[] = { CLOCK_REALTIME,
			      CLOCK_MONOTONIC,
			      CLOCK_MONOTONIC_RAW,
			      CLOCK_REALTIME_COARSE,
			      CLOCK_MONOTONIC_COARSE,
			      CLOCK_BOOTTIME,
			      CLOCK_TAI };
#define CLOCKS (sizeof(clocks) / sizeof(*clocks))

/* 999,999,000 ns and 1,500 ns are a second more. */
static void offsets_are_added(void)
{
	for (size_t i = 0; i < CLOCKS; i++) {
		struct __kernel_timespec now;
		struct timespec_32 small;
		__s64 sec = base_sec(clocks[i]) + 5000000001LL;

		reset();
		EXPECT(!gettime64()(clocks[i], &now));
		EXPECT(now.tv_sec == sec && now.tv_nsec == 500);
		EXPECT(!((gettime_function *)entry(GETTIME))(clocks[i],
							     &small));
		EXPECT(small.sec == (__s32)sec && small.nsec == 500);
	}
}

static void days_and_seconds_are_cut_off(void)
{
	struct timespec_32 day;
	struct timezone zone;
	__s32 sec = (__s32)(base_sec(CLOCK_REALTIME) + 5000000001LL), told;

	reset();
	put32(layout->data + layout->zone, 77);
	put32(layout->data + layout->zone + 4, 7);
	EXPECT(!((timeofday_function *)entry(TIMEOFDAY))(&day, &zone));
	EXPECT(day.sec == sec && day.nsec == 0);
	EXPECT(zone.tz_minuteswest == 77 && zone.tz_dsttime == 7);
	sec = (__s32)(base_sec(CLOCK_REALTIME_COARSE) + 5000000001LL);
	EXPECT(((time_function *)entry(TIME))(&told) == sec && told == sec);
	EXPECT(((time_function *)entry(TIME))(NULL) == sec);
}

/* Divisions of 64-bit numbers, which the image brings along. */
static void rates_are_those_of_the_header(void)
{
	struct tnb_clock *clock = clock_at(TNB_REALTIME);

	for (unsigned int i = 0; i < 20000; i++) {
		struct tnb_time host = { base_sec(CLOCK_REALTIME), 999999000 };
		struct tnb_time want;
		struct __kernel_timespec now;

		reset();
		clock->flags = TNB_CLOCK_RATE;
		clock->host_ref_sec = random() % 4000000 - 2000000;
		clock->host_ref_nsec = random() % 1000000000;
		clock->virt_ref_sec = (__s64)random() * 4 - 4000000000LL;
		clock->virt_ref_nsec = random() % 1000000000;
		clock->rate = ((__u64)random() << 11) + random();
		want = tnb_clock_read(clock, host);
		EXPECT(!gettime64()(CLOCK_REALTIME, &now));
		EXPECT(now.tv_sec == want.sec && now.tv_nsec == want.nsec);
		if (failed)
			return;
	}
}

/* Far behind the kernel's last update: the product takes more than 64 bits. */
static void wide_products_are_right(void)
{
	const __u32 mult = 0xfedcba98;

	if (layout->max_cycles == TNB_VVAR_NONE)
		return; /* those kernels cut it off */
	for (int i = 0; i < 1000; i++) {
		struct __kernel_timespec now;
		__u64 last = 1 + (__u64)random(), before, after, ns;
		long double low, high;

		reset();
		memset(clock_at(TNB_REALTIME), 0, sizeof(struct tnb_clock));
		put64(layout->data + layout->cycle_last, last);
		put64(layout->data + layout->max_cycles, 1);
		put32(layout->data + layout->mult, mult);
		put32(layout->data + layout->shift, 40);
		put64(layout->data + layout->basetime + 8, ~0ULL);
		before = __rdtsc() - last;
		gettime64()(CLOCK_REALTIME, &now);
		after = __rdtsc() - last;
		ns = (__u64)(now.tv_sec - base_sec(0)) * 1000000000 +
		     now.tv_nsec;
		low = ((long double)before * mult + (long double)~0ULL) /
		      (1ULL << 40);
		high = ((long double)after * mult + (long double)~0ULL) /
		       (1ULL << 40);
		EXPECT(ns + 2 > low && ns < high + 2);
	}
}

/* P5, P6 of abi/page.h. The kernel's own time is far from what is made up. */
static void a_pass_is_needed_or_no_call_is_allowed(void)
{
	const __s64 made_up = base_sec(CLOCK_REALTIME) + 5000000001LL;
	struct __kernel_timespec now;

	reset();
	page()->pass += 1ULL << 32;
	EXPECT(!gettime64()(CLOCK_REALTIME, &now) && now.tv_sec != made_up);
	page()->no_calls = 1;
	EXPECT(!gettime64()(CLOCK_REALTIME, &now) && now.tv_sec == made_up);
	page()->no_calls = 0;
	link_page()->no_calls = 1;
	EXPECT(!gettime64()(CLOCK_REALTIME, &now) && now.tv_sec == made_up);
}

static void other_clocks_are_the_kernels(void)
{
	struct __kernel_timespec now;

	reset();
	EXPECT(!gettime64()(CLOCK_PROCESS_CPUTIME_ID, &now) && now.tv_sec < 60);
	EXPECT(gettime64()(77, &now) < 0);
	EXPECT(gettime64()(-77, &now) < 0);
}

static void a_time_namespace_is_seen(void)
{
	struct __kernel_timespec now;

	reset();
	memcpy(vvar + layout->timens_page * TNB_PAGE_SIZE, vvar, TNB_PAGE_SIZE);
	put32(layout->data + layout->clock_mode, TNB_VVAR_MODE_TIMENS);
	put32(layout->data + layout->seq, 1);
	put64(layout->data + layout->basetime + 16 * CLOCK_MONOTONIC, 30);
	put64(layout->data + layout->basetime + 16 * CLOCK_MONOTONIC + 8, 7);
	EXPECT(!gettime64()(CLOCK_MONOTONIC, &now));
	EXPECT(now.tv_sec == base_sec(CLOCK_MONOTONIC) + 5000000031LL &&
	       now.tv_nsec == 507);
}

static int open_image(const char *directory)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/image_32_%s.so", directory,
		 layout_name);
	fd = open(path, O_RDONLY);
	pages = mmap(NULL, 3 * TNB_PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vvar = mmap(NULL, 8 * TNB_PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || pages == MAP_FAILED || vvar == MAP_FAILED ||
	    read(fd, entry(0), TNB_PAGE_SIZE) != (ssize_t)TNB_PAGE_SIZE ||
	    mprotect(entry(0), TNB_PAGE_SIZE, PROT_READ | PROT_EXEC)) {
		perror(path);
		return -1;
	}
	close(fd);
	return 0;
}

static const struct {
	const char *name;
	struct tnb_vvar_layout layout;
} layouts[] = {
#define ROW(name) { #name, TNB_VVAR_##name },
	TNB_VVAR_LAYOUTS(ROW)
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		layout_name = layouts[i].name;
		layout = &layouts[i].layout;
		if (argc != 2 || open_image(argv[1]))
			return 1;
		offsets_are_added();
		days_and_seconds_are_cut_off();
		rates_are_those_of_the_header();
		wide_products_are_right();
		a_pass_is_needed_or_no_call_is_allowed();
		other_clocks_are_the_kernels();
		a_time_namespace_is_seen();
	}
	return failed;
}
