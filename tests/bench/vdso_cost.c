/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_vdso_cost [--quick] [--json]: what the clock costs in the replacement
 * vDSO, next to the kernel's own, natively and without BPF. Asserts nothing
 * about speed; fails if it could not measure.
 *
 * Method. The image is mapped into this process as an injector maps it, with a
 * clock page from a memfd that is three days ahead. All functions take turns on
 * one CPU, in an order that changes from round to round, each turn some
 * thousand calls; what is compared are medians over all rounds. With faketime
 * installed, the C library's functions under it are measured the same way, in
 * a process of their own and next to the kernel's again.
 */
#define _GNU_SOURCE
#include "clock_page.h"
#include "turns.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>
#include "base/maps.h"
#include "vdso/kernel_vdso.h"
#include "vdso/image_pick.h"
#include <x86intrin.h>

#define CALLS 2000
#define ROUNDS 2000
#define QUICK_ROUNDS 100
#define FAKETIME "/usr/bin/faketime"

typedef int gettime_function(clockid_t clock, struct timespec *time);
typedef int timeofday_function(struct timeval *time, void *zone);
typedef time_t time_function(time_t *time);

struct functions {
	gettime_function *gettime;
	timeofday_function *timeofday;
	time_function *time;
};

/* X(clock, brief) */
#define CLOCKS(X)                       \
	X(CLOCK_REALTIME, true)         \
	X(CLOCK_MONOTONIC, true)        \
	X(CLOCK_BOOTTIME, true)         \
	X(CLOCK_TAI, false)             \
	X(CLOCK_MONOTONIC_RAW, false)   \
	X(CLOCK_REALTIME_COARSE, false) \
	X(CLOCK_MONOTONIC_COARSE, false)

enum call {
#define OP(clock, brief) OP_##clock,
	CLOCKS(OP)
#undef OP
		OP_TIMEOFDAY,
	OP_TIME,
	VDSO_OPS,
	CLOCK_OPS = OP_TIMEOFDAY,
};

static const struct {
	const char *label;
	clockid_t clock;
	bool brief;
} ops[VDSO_OPS] = {
#define ROW(clock, brief) [OP_##clock] = { #clock, clock, brief },
	CLOCKS(ROW)
#undef ROW
		[OP_TIMEOFDAY] = { "gettimeofday", 0, true },
	[OP_TIME] = { "time", 0, true },
};

/* ---- Turns ------------------------------------------------------------- */

static uint64_t cycles(void)
{
	unsigned int cpu;
	uint64_t now = __rdtscp(&cpu);

	_mm_lfence();
	return now;
}

static double turn(const struct functions *functions, enum call call)
{
	struct timespec time;
	struct timeval timeval;
	time_t seconds;
	uint64_t begin = cycles();

	if (call < CLOCK_OPS)
		for (int i = 0; i < CALLS; i++)
			functions->gettime(ops[call].clock, &time);
	else if (call == OP_TIMEOFDAY)
		for (int i = 0; i < CALLS; i++)
			functions->timeofday(&timeval, NULL);
	else
		for (int i = 0; i < CALLS; i++)
			functions->time(&seconds);
	return (double)(cycles() - begin) / CALLS;
}

enum side { KERNELS, OTHER, SIDES };

struct result {
	double ns[SIDES], ratio;
};

/* Median of the rounds' own ratios: what slows the machine down cancels. */
static void measure(const struct functions sides[SIDES], int rounds,
		    double cycles_per_ns, struct result results[VDSO_OPS])
{
	struct samples samples[VDSO_OPS][SIDES] = { 0 };
	struct samples ratios[VDSO_OPS] = { 0 };

	for (int round = -1; round < rounds; round++) {
		for (unsigned int call = 0; call < VDSO_OPS; call++) {
			unsigned int first = (unsigned int)round & 1;
			double taken[SIDES];

			taken[first] = turn(&sides[first], call);
			taken[!first] = turn(&sides[!first], call);
			if (round < 0) /* warms up */
				continue;
			for (unsigned int side = 0; side < SIDES; side++)
				samples_add(&samples[call][side], taken[side]);
			samples_add(&ratios[call],
				    taken[OTHER] / taken[KERNELS]);
		}
	}
	for (unsigned int call = 0; call < VDSO_OPS; call++) {
		for (unsigned int side = 0; side < SIDES; side++)
			results[call].ns[side] =
				samples_median(&samples[call][side]) /
				cycles_per_ns;
		results[call].ratio = samples_median(&ratios[call]);
	}
}

/* ---- Who is measured --------------------------------------------------- */

static void find_kernels(struct tnb_vdso *vdso, uint64_t *address,
			 struct functions *functions)
{
	struct tnb_vdso_maps maps;
	struct tnb_vdsos vdsos;

	if (tnb_vdso_probe(&vdsos))
		die("%s", tnb_error_message());
	if (tnb_vdso_maps_read(0, &maps))
		die("no vDSO");
	*vdso = vdsos.wide;
	*address = maps.vdso;
	functions->gettime =
		(gettime_function *)(maps.vdso + vdso->clock_gettime.offset);
	functions->timeofday =
		(timeofday_function *)(maps.vdso + vdso->gettimeofday.offset);
	functions->time = (time_function *)(maps.vdso + vdso->time.offset);
}

/* The clock page is shared and cannot be written to, as a rule's. */
static void map_clock_page(uint8_t *at)
{
	int fd = clock_page_make(0);

	if (mmap(at, TNB_PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		die("clock page: %s", strerror(errno));
	close(fd);
}

static void map_image(const struct tnb_vdso *vdso, uint64_t address,
		      struct functions *functions)
{
	uint8_t *pages = mmap(NULL, TNB_VDSO_PAGES * TNB_PAGE_SIZE,
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *image = pages + 2 * TNB_PAGE_SIZE;

	if (pages == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	tnb_vdso_link(vdso, address, 1, CLOCK_PAGE_PASS,
		      (void *)(pages + TNB_PAGE_SIZE));
	memcpy(image, vdso->image, TNB_PAGE_SIZE);
	if (mprotect(pages, TNB_VDSO_PAGES * TNB_PAGE_SIZE,
		     PROT_READ | PROT_EXEC))
		die("mprotect: %s", strerror(errno));
	map_clock_page(pages);
	functions->gettime = (gettime_function *)(image + vdso->entry[0]);
	functions->timeofday = (timeofday_function *)(image + vdso->entry[1]);
	functions->time = (time_function *)(image + vdso->entry[2]);
}

/* What is compared must be what it is called. */
static void check_is_ahead(const struct functions sides[SIDES])
{
	struct timespec kernels, other;

	for (unsigned int call = 0; call < CLOCK_OPS; call++) {
		sides[KERNELS].gettime(ops[call].clock, &kernels);
		sides[OTHER].gettime(ops[call].clock, &other);
		if (other.tv_sec - kernels.tv_sec < CLOCK_PAGE_AHEAD ||
		    other.tv_sec - kernels.tv_sec > CLOCK_PAGE_AHEAD + 5)
			die("%s is not three days ahead", ops[call].label);
	}
}

/* The processor's counter against a clock that nobody fakes. */
static double find_cycles_per_ns(const struct functions *kernels)
{
	struct timespec begin, end;
	uint64_t first = cycles();
	double ns;

	kernels->gettime(CLOCK_MONOTONIC_RAW, &begin);
	do {
		kernels->gettime(CLOCK_MONOTONIC_RAW, &end);
		ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 +
		     (double)(end.tv_nsec - begin.tv_nsec);
	} while (ns < 2e8);
	return (double)(cycles() - first) / ns;
}

/* ---- faketime ---------------------------------------------------------- */

/* Under it: lines of numbers for measure_faketime(). */
static int run_inside_faketime(int rounds)
{
	struct result results[VDSO_OPS];
	struct functions sides[SIDES] = {
		[OTHER] = { clock_gettime, (timeofday_function *)gettimeofday,
			    time },
	};
	struct tnb_vdso vdso;
	uint64_t address;

	find_kernels(&vdso, &address, &sides[KERNELS]);
	measure(sides, rounds, find_cycles_per_ns(&sides[KERNELS]), results);
	for (unsigned int call = 0; call < VDSO_OPS; call++)
		printf("%.3f %.4f\n", results[call].ns[OTHER],
		       results[call].ratio);
	return 0;
}

static bool measure_faketime(bool quick, struct result results[VDSO_OPS])
{
	char command[512], self[256];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned int lines = 0;
	FILE *output;

	if (access(FAKETIME, X_OK) || length < 0)
		return false;
	self[length] = '\0';
	snprintf(command, sizeof(command), "%s -f +3d '%s' --inside%s",
		 FAKETIME, self, quick ? " --quick" : "");
	output = popen(command, "re");
	if (!output)
		die("popen: %s", strerror(errno));
	while (lines < VDSO_OPS &&
	       fscanf(output, "%lf %lf", &results[lines].ns[OTHER],
		      &results[lines].ratio) == 2)
		lines++;
	if (pclose(output) || lines < VDSO_OPS)
		die("the measurement under %s failed", FAKETIME);
	return true;
}

/* ---- Result ------------------------------------------------------------ */

static void print_text(const struct result *image, const struct result *faked)
{
	printf("  %-24s %10s %10s %7s", "ns per call", "kernel", "image",
	       "ratio");
	printf(faked ? " %10s %7s\n" : "\n", "faketime", "ratio");
	for (unsigned int call = 0; call < VDSO_OPS; call++) {
		printf("  %-24s %10.2f %10.2f %7.3f", ops[call].label,
		       image[call].ns[KERNELS], image[call].ns[OTHER],
		       image[call].ratio);
		if (faked)
			printf(" %10.2f %7.2f", faked[call].ns[OTHER],
			       faked[call].ratio);
		putchar('\n');
	}
	if (!faked)
		puts("\nNote: faketime is not installed.");
}

static void print_json(const struct result *image, const struct result *faked)
{
	puts("[");
	for (unsigned int call = 0; call < VDSO_OPS; call++) {
		printf("  {\"brief\": %s, \"label\": \"%s\", \"kernel_ns\": %.2f, \"ns\": %.2f, \"ratio\": %.3f",
		       ops[call].brief ? "true" : "false", ops[call].label,
		       image[call].ns[KERNELS], image[call].ns[OTHER],
		       image[call].ratio);
		if (faked)
			printf(", \"faketime_ns\": %.2f, \"faketime_ratio\": %.2f",
			       faked[call].ns[OTHER], faked[call].ratio);
		puts(call + 1 < VDSO_OPS ? "}," : "}");
	}
	puts("]");
}

int main(int argc, char **argv)
{
	struct result image[VDSO_OPS], faked[VDSO_OPS];
	bool quick = false, json = false, inside = false, with_faketime;
	struct functions sides[SIDES];
	struct tnb_vdso vdso;
	uint64_t address;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick"))
			quick = true;
		else if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--inside"))
			inside = true;
		else
			die("usage: bench_vdso_cost [--quick] [--json]");
	}
	pin_to_one_cpu();
	if (inside)
		return run_inside_faketime(quick ? QUICK_ROUNDS : ROUNDS);
	find_kernels(&vdso, &address, &sides[KERNELS]);
	map_image(&vdso, address, &sides[OTHER]);
	if (vdso.why_raw[0])
		fprintf(stderr, "the image makes system calls: %s\n",
			vdso.why_raw);
	else
		check_is_ahead(sides);
	measure(sides, quick ? QUICK_ROUNDS : ROUNDS,
		find_cycles_per_ns(&sides[KERNELS]), image);
	with_faketime = measure_faketime(quick, faked);
	(json ? print_json : print_text)(image, with_faketime ? faked : NULL);
	return 0;
}
