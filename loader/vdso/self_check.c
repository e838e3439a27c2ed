/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "self_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

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

int tnb_vdso_self_check(const struct tnb_vdso *vdso, uint64_t vdso_address,
			char *why, size_t size)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME,
		CLOCK_MONOTONIC,
		CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,
		CLOCK_BOOTTIME,
		CLOCK_TAI,
	};
	uint8_t *pages = map_image(vdso, vdso_address);
	gettime_function *kernels, *images;
	int r = 0;

	if (!pages) {
		snprintf(why, size,
			 "the image could not be tried: no executable memory");
		return -EPERM;
	}
	kernels =
		(gettime_function *)(vdso_address + vdso->clock_gettime.offset);
	images = (gettime_function *)(pages + 2 * TNB_PAGE_SIZE +
				      vdso->entry[0]);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks) && !r; i++) {
		if (agree(kernels, images, clocks[i]))
			continue;
		snprintf(why, size,
			 "the image and the kernel's vDSO disagree on clock %d",
			 (int)clocks[i]);
		r = -EILSEQ;
	}
	munmap(pages, TNB_VDSO_PAGES * TNB_PAGE_SIZE);
	return r;
}
