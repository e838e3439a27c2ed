/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_vdso_cost_32 IMAGE [TURNS]: a 32-bit program reads by the kernel's vDSO
 * (through the C library), by the image in the file IMAGE, and by system calls,
 * in turn. Prints a line for each clock: nanoseconds and ratios, medians.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/time_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <abi/vdso_link.h>
#include <unistd.h>

#define LOOPS 2000
#define PASS 1
/* __vdso_clock_gettime64 of compat/image.lds */
#define ENTRY 0x650

typedef int gettime_function(int clock, struct __kernel_timespec *time);

static gettime_function *image;

/* The data of the kernel are in front of its vDSO. */
static unsigned long find_vvar(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];
	unsigned long vvar = 0;

	while (maps && !vvar && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar"))
			vvar = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return vvar;
}

static int map_image(const char *path)
{
	unsigned char *pages = mmap(NULL, 3 * TNB_PAGE_SIZE,
				    PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tnb_clock_page *page = (struct tnb_clock_page *)pages;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (pages == MAP_FAILED || fd < 0 ||
	    read(fd, pages + 2 * TNB_PAGE_SIZE, TNB_PAGE_SIZE) !=
		    (ssize_t)TNB_PAGE_SIZE)
		return -1;
	close(fd);
	page->pass = PASS;
	*(struct tnb_vdso_link *)(pages + TNB_PAGE_SIZE) =
		(struct tnb_vdso_link){ .pass = PASS, .vvar = find_vvar() };
	image = (gettime_function *)(pages + 2 * TNB_PAGE_SIZE + ENTRY);
	return 0;
}

static void by_libc(int clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
}

static void by_image(int clock)
{
	struct __kernel_timespec now;

	image(clock, &now);
}

static void by_call(int clock)
{
	struct __kernel_timespec now;

	syscall(SYS_clock_gettime64, clock, &now);
}

static void (*const ways[])(int) = { by_libc, by_image, by_call };
#define WAYS 3

static double turn(void (*read)(int), int clock)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < LOOPS; i++)
		read(clock);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return ((after.tv_sec - before.tv_sec) * 1e9 +
		(double)(after.tv_nsec - before.tv_nsec)) /
	       LOOPS;
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return first < second ? -1 : first > second;
}

static void measure(const char *name, int clock, int turns)
{
	double *took[WAYS], median[WAYS];

	for (int i = 0; i < WAYS; i++)
		took[i] = calloc((size_t)turns, sizeof(double));
	for (int i = 0; i < turns; i++)
		for (int j = 0; j < WAYS; j++)
			took[j][i] = turn(ways[j], clock);
	for (int i = 0; i < WAYS; i++) {
		qsort(took[i], (size_t)turns, sizeof(double), compare);
		median[i] = took[i][turns / 2];
		free(took[i]);
	}
	printf("%-16s kernel's %6.1f ns, image %6.1f ns (%.2f), system call %6.1f ns (%.1f)\n",
	       name, median[0], median[1], median[1] / median[0], median[2],
	       median[2] / median[0]);
}

int main(int argc, char **argv)
{
	int turns = argc > 2 ? atoi(argv[2]) : 500;

	if (argc < 2 || turns < 1 || map_image(argv[1])) {
		fprintf(stderr, "usage: bench_vdso_cost_32 IMAGE [TURNS]\n");
		return 2;
	}
	measure("realtime", CLOCK_REALTIME, turns);
	measure("monotonic", CLOCK_MONOTONIC, turns);
	measure("realtime_coarse", CLOCK_REALTIME_COARSE, turns);
	return 0;
}
