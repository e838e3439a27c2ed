/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time(2) and times(2) by raw system call, in many threads at once, judged by
 * clock_gettime(2), also raw, before and after each of them.
 *
 * raw_calls THREADS CALLS [BASE]
 *
 * BASE: what times(2) is ahead of CLOCK_MONOTONIC, in ticks, as printed by a
 * run outside of every rule. CALLS 0: until SIGTERM.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NSEC 1000000000LL
#define TICK_NSEC 10000000LL
/* Of ticks that are cut off. */
#define SLACK_TICKS 2
/* What differs by more has another clock. */
#define FAR_SEC 1000
#define FAR_TICKS 100000

/* time(2) has the clock of the last tick, times(2) that tick's number. */
enum { REALTIME = 0, REALTIME_COARSE = 5, MONOTONIC = 1, MONOTONIC_COARSE = 6 };

struct tally {
	unsigned long calls, wrong, host;
	long long longest_ns, all_ns;
};

static unsigned long calls;
static uint32_t base;
static int has_base;
static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static long long now(int clock)
{
	long long time[2] = { 0, 0 };

#ifdef __i386__
	syscall(SYS_clock_gettime64, clock, time);
#else
	syscall(SYS_clock_gettime, clock, time);
#endif
	return time[0] * NSEC + time[1];
}

/* A call counts once. IS_ONE: its result and what it stored are the same. */
static void note(struct tally *tally, long long off, long long far, int is_one)
{
	tally->calls++;
	if (off > far || off < -far)
		tally->host++;
	else if (off || !is_one)
		tally->wrong++;
}

static void note_length(struct tally *tally, long long ns)
{
	tally->all_ns += ns;
	if (ns > tally->longest_ns)
		tally->longest_ns = ns;
}

/* 0: between the two, else by how much not. */
static long long off_by(long long value, long long first, long long last)
{
	return value < first ? value - first : value > last ? value - last : 0;
}

static void check_time(struct tally *tally, int with_pointer)
{
	long long begin = now(MONOTONIC), before = now(REALTIME_COARSE), after;
	long at = 0;
	long result = syscall(SYS_time, with_pointer ? &at : NULL);

	after = now(REALTIME);
	note_length(tally, now(MONOTONIC) - begin);
	note(tally, off_by(result, before / NSEC, after / NSEC), FAR_SEC,
	     !with_pointer || at == result);
}

static uint32_t ahead(uint32_t ticks, long long mono)
{
	return ticks - (uint32_t)(mono / TICK_NSEC);
}

static void check_times(struct tally *tally)
{
	long long begin = now(MONOTONIC), before = now(MONOTONIC_COARSE), after;
	uint32_t result = (uint32_t)syscall(SYS_times, NULL);
	int32_t off;

	after = now(MONOTONIC);
	note_length(tally, after - begin);
	if (!has_base)
		return;
	off = (int32_t)(ahead(result, before) - base);
	note(tally,
	     off_by(off, -SLACK_TICKS,
		    (after - before) / TICK_NSEC + SLACK_TICKS),
	     FAR_TICKS, 1);
}

static void *run(void *argument)
{
	struct tally *tally = argument;

	for (unsigned long i = 0; !ending && (!calls || i < calls); i++) {
		check_time(tally, 0);
		check_time(tally, 1);
		check_times(tally);
	}
	return NULL;
}

static void start(pthread_t *thread, struct tally *tally)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32 << 10);
	if (pthread_create(thread, &small, run, tally)) {
		fprintf(stderr, "raw_calls: cannot start a thread\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 2 ? (unsigned int)atoi(argv[1]) : 0;
	pthread_t *threads = calloc(count + 1, sizeof(*threads));
	struct tally *tally = calloc(count + 1, sizeof(*tally)), sum = { 0 };

	if (!count || !threads || !tally)
		return 2;
	signal(SIGTERM, end);
	calls = strtoul(argv[2], NULL, 10);
	has_base = argc > 3;
	if (has_base)
		base = (uint32_t)strtoul(argv[3], NULL, 10);
	for (unsigned int i = 0; i < count; i++)
		start(&threads[i], &tally[i]);
	for (unsigned int i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		sum.calls += tally[i].calls;
		sum.wrong += tally[i].wrong;
		sum.host += tally[i].host;
		sum.all_ns += tally[i].all_ns;
		if (tally[i].longest_ns > sum.longest_ns)
			sum.longest_ns = tally[i].longest_ns;
	}
	printf("{\"calls\": %lu, \"wrong\": %lu, \"host\": %lu, \"longest_us\": %lld, \"mean_ns\": %lld, \"base\": %u}\n",
	       sum.calls, sum.wrong, sum.host, sum.longest_ns / 1000,
	       sum.calls ? sum.all_ns / (long long)sum.calls : 0,
	       ahead((uint32_t)syscall(SYS_times, NULL),
		     now(MONOTONIC_COARSE)));
	return 0;
}
