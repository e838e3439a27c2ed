/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwind: signals interrupt a loop of clock reads, through the C library and
 * through the vDSO's entry in /proc/self/auxv; each handler walks the stack.
 * Prints how many walks began within the replacement of the vDSO (or within the
 * kernel's, if there is none), and how many of these did not come to the loop.
 * The jump at the kernel's entries is one instruction that no unwinder knows
 * of, which asks the image that AT_SYSINFO_EHDR names: not judged.
 */
#define _GNU_SOURCE
#include "vdso_lookup.h"

#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define WALKS 200
#define FRAMES 64
#define REGIONS 4

typedef int clock_function(clockid_t, struct timespec *);

static struct region {
	uintptr_t begin, end;
} regions[REGIONS];
static int region_count;

static volatile sig_atomic_t inside, broken;
static uintptr_t loop_begin, loop_end, example;

static int is_in_regions(uintptr_t address)
{
	for (int i = 0; i < region_count; i++)
		if (address >= regions[i].begin && address < regions[i].end)
			return 1;
	return 0;
}

static void walk(int number, siginfo_t *info, void *context)
{
	const ucontext_t *user = context;
	void *frames[FRAMES];
	int count;

	(void)number;
	(void)info;
	if (!is_in_regions((uintptr_t)user->uc_mcontext.gregs[REG_RIP]))
		return;
	inside++;
	count = backtrace(frames, FRAMES);
	for (int i = 0; i < count; i++)
		if ((uintptr_t)frames[i] >= loop_begin &&
		    (uintptr_t)frames[i] < loop_end)
			return;
	broken++;
	example = (uintptr_t)user->uc_mcontext.gregs[REG_RIP];
}

/* Executable memory of that name. */
static void find_regions(const char *wanted)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], rights[8], name[128];

	while (maps && fgets(line, sizeof(line), maps)) {
		struct region *region = &regions[region_count];

		*name = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127s",
			   &region->begin, &region->end, rights, name) < 3 ||
		    strcmp(rights, "r-xp") || strcmp(name, wanted) ||
		    region_count == REGIONS - 1)
			continue;
		region_count++;
	}
	if (maps)
		fclose(maps);
}

__attribute__((noinline)) static void loop(clock_function *by_entry)
{
	struct timespec now;

	for (int i = 0; i < 1000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		by_entry(CLOCK_MONOTONIC, &now);
	}
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction action = { .sa_sigaction = walk,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	const void *image = vdso_find(VDSO_BY_PROC_AUXV, environ);
	clock_function *by_entry =
		image ? (clock_function *)vdso_symbol(image,
						      "__vdso_clock_gettime")
		      : NULL;
	void *warm_up[1];

	(void)argc;
	(void)argv;
	if (!by_entry)
		return 1;
	backtrace(warm_up, 1);
	find_regions("");
	if (!region_count)
		find_regions("[vdso]");
	loop_begin = (uintptr_t)loop;
	loop_end = loop_begin + 256;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (inside < WALKS)
		loop(by_entry);
	printf("{\"walks\":%d,\"broken\":%d,\"example\":\"%#lx\"}\n",
	       (int)inside, (int)broken, example);
	for (int i = 0; broken && i < region_count; i++)
		printf("# %#lx-%#lx\n", regions[i].begin, regions[i].end);
	return 0;
}
