/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "self_check.h"

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 500

typedef int gettime_function(clockid_t clock, struct timespec *time);

/* The image's three pages, with a clock page that changes nothing. */
static uint8_t *map_image(const struct tnb_vdso *vdso, uint64_t vdso_address)
{
	const size_t size = TNB_VDSO_PAGES * TNB_PAGE_SIZE;
	uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	tnb_vdso_link(vdso, vdso_address, 0, 0,
		      (struct tnb_vdso_link *)(pages + TNB_PAGE_SIZE));
	memcpy(pages + 2 * TNB_PAGE_SIZE, vdso->image, TNB_PAGE_SIZE);
	if (!mprotect(pages, size, PROT_READ | PROT_EXEC))
		return pages;
	munmap(pages, size);
	return NULL;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* Each of the image's times lies between two of the kernel's, unless the host's
 * clock was set back between them. */
static bool agree(gettime_function *kernels, gettime_function *images,
		  clockid_t clock)
{
	for (int i = 0; i < SAMPLES; i++) {
		struct timespec before, image, after;

		if (kernels(clock, &before) || images(clock, &image) ||
		    kernels(clock, &after))
			return false;
		if (!is_before(&after, &before) &&
		    (is_before(&image, &before) || is_before(&after, &image)))
			return false;
	}
	return true;
}

static const clockid_t clocks[] = {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	CLOCK_TAI,
};
#define CLOCKS (sizeof(clocks) / sizeof(*clocks))

/* The first clock that they do not agree on, or CLOCKS. */
static unsigned char first_wrong(const struct tnb_vdso *vdso,
				 uint64_t vdso_address, const uint8_t *pages)
{
	gettime_function *kernels =
		(gettime_function *)(vdso_address + vdso->clock_gettime.offset);
	gettime_function *images =
		(gettime_function *)(pages + 2 * TNB_PAGE_SIZE +
				     vdso->entry[0]);
	unsigned char i = 0;

	while (i < CLOCKS && agree(kernels, images, clocks[i]))
		i++;
	return i;
}

/*
 * In a process of its own: what takes a counter for the sequence that is not
 * one may wait for ever, what takes the wrong page may end by a signal. It is
 * limited in CPU time, which a busy machine does not shorten.
 */
static pid_t start_check(const struct tnb_vdso *vdso, uint64_t vdso_address,
			 const uint8_t *pages, const int ends[2])
{
	static const struct rlimit seconds = { 2, 2 }, no_core = { 0, 0 };
	unsigned char result;
	pid_t pid = tnb_child_fork();

	if (pid)
		return pid;
	if (setrlimit(RLIMIT_CPU, &seconds) || setrlimit(RLIMIT_CORE, &no_core))
		_exit(1);
	close(ends[0]);
	result = first_wrong(vdso, vdso_address, pages);
	_exit(write(ends[1], &result, 1) != 1);
}

/* What the child says: as first_wrong(), or -EIO if it did not come to its end.
 */
static int hear(pid_t child, int end)
{
	unsigned char result;
	ssize_t got;

	do
		got = read(end, &result, 1);
	while (got < 0 && errno == EINTR);
	tnb_child_reap(child);
	return got == 1 ? result : -EIO;
}

/* As hear(), or another negative errno. */
static int check_apart(const struct tnb_vdso *vdso, uint64_t vdso_address,
		       const uint8_t *pages)
{
	int ends[2], result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = start_check(vdso, vdso_address, pages, ends);
	result = child < 0 ? -errno : 0;
	close(ends[1]);
	if (child > 0)
		result = hear(child, ends[0]);
	close(ends[0]);
	return result;
}

int tnb_vdso_self_check(const struct tnb_vdso *vdso, uint64_t vdso_address,
			char *why, size_t size)
{
	uint8_t *pages = map_image(vdso, vdso_address);
	int r;

	if (!pages) {
		snprintf(why, size,
			 "the image could not be tried: no executable memory");
		return -EPERM;
	}
	r = check_apart(vdso, vdso_address, pages);
	munmap(pages, TNB_VDSO_PAGES * TNB_PAGE_SIZE);
	if (r == (int)CLOCKS)
		return 0;
	if (r == -EIO)
		snprintf(why, size, "the image does not come to its end");
	else if (r < 0)
		snprintf(why, size, "the image could not be tried: %s",
			 strerror(-r));
	else
		snprintf(why, size,
			 "the image and the kernel's vDSO disagree on clock %d",
			 (int)clocks[r]);
	return r < 0 ? r : -EILSEQ;
}
