/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsc_khz
 *   The rate of this machine's time stamp counter in kHz, by
 *   CLOCK_MONOTONIC_RAW. For guests of the emulator, which have the same
 *   counter (tests/vm/lib/guest.sh).
 *
 * Right on a busy machine, too: of many looks at both the closest ones count.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define LENGTH_NS 100000000LL
#define LOOKS 1000

struct look {
	int64_t ns;
	uint64_t ticks;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct look closest_look(void)
{
	uint64_t least = UINT64_MAX;
	struct look closest = { 0, 0 };

	for (int i = 0; i < LOOKS; i++) {
		uint64_t before = __rdtsc();
		int64_t ns = now_ns();
		uint64_t took = __rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		closest = (struct look){ ns, before + took / 2 };
	}
	return closest;
}

int main(void)
{
	const struct timespec length = { .tv_nsec = LENGTH_NS };
	struct look first = closest_look(), last;

	nanosleep(&length, NULL);
	last = closest_look();
	printf("%.0f\n", (double)(last.ticks - first.ticks) * 1e6 /
				 (double)(last.ns - first.ns));
	return 0;
}
