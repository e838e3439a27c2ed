/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of the caller's time, in forms that can be compared:
 *   now    "REALTIME MONOTONIC BOOTTIME" in nanoseconds, by raw system calls
 *   wall   "LOW HIGH": REALTIME - MONOTONIC lies between; two such intervals
 *          that do not meet mean that the clock was stepped in between
 *   timex  the discipline: frequency, tick, status, TAI, time constant
 */
#include "raw.h"

#include <stdio.h>
#include <string.h>

static long long now(int clock)
{
	struct native_time time = { 0, 0 };

	raw3(NR_CLOCK_GETTIME, clock, (long)&time, 0);
	return native_ns(time);
}

static int print_timex(void)
{
	native_timex timex = { .modes = 0 };
	long ret = raw3(NR_ADJTIMEX, (long)&timex, 0, 0);

	printf("ret=%ld freq=%lld tick=%lld status=%#x tai=%d constant=%lld\n",
	       ret, (long long)timex.freq, (long long)timex.tick,
	       (unsigned int)timex.status, (int)timex.tai,
	       (long long)timex.constant);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "now")) {
		printf("%lld %lld %lld\n", now(RAW_REALTIME),
		       now(RAW_MONOTONIC), now(RAW_BOOTTIME));
		return 0;
	}
	if (!strcmp(what, "wall")) {
		long long before = now(RAW_MONOTONIC);
		long long real = now(RAW_REALTIME);
		long long after = now(RAW_MONOTONIC);

		printf("%lld %lld\n", real - after, real - before);
		return 0;
	}
	if (!strcmp(what, "timex"))
		return print_timex();
	fprintf(stderr, "usage: host_clock now|wall|timex\n");
	return 2;
}
