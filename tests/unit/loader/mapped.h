/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image and its two pages in this process, as an injector maps them. */
#ifndef TIMENSBPF_TESTS_UNIT_LOADER_MAPPED_H
#define TIMENSBPF_TESTS_UNIT_LOADER_MAPPED_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>
#include <abi/vdso_link.h>

struct mapped {
	struct tnb_clock_page *page; /* may be written to by the test */
	struct tnb_vdso_link *link;  /* so may this */
	const uint8_t *image;
	int (*clock_gettime)(clockid_t clock, struct timespec *time);
	int (*gettimeofday)(struct timeval *time, struct timezone *zone);
	time_t (*time)(time_t *time);
	int (*clock_getres)(clockid_t clock, struct timespec *resolution);
	int (*getcpu)(unsigned int *cpu, unsigned int *node, void *unused);
	long (*getrandom)(void *buffer, size_t length, unsigned int flags,
			  void *state, size_t state_size); /* NULL: none */
};

/* `image`: bytes of the library. */
void map_image(struct mapped *mapped, const void *image);
void unmap_image(struct mapped *mapped);

/* NULL: the image has none of that name. */
void *mapped_function(const struct mapped *mapped, const char *name);

/* The same offset for all families. */
void publish_offset(struct tnb_clock_page *page, int64_t sec, uint32_t nsec);

/* Nanoseconds; times here are of this century. */
static inline __int128 ns_of(const struct timespec *time)
{
	return (__int128)time->tv_sec * 1000000000 + time->tv_nsec;
}

#endif
