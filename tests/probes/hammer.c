/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many threads that do nothing but read the clock.
 *
 * hammer --threads N --seconds S --host R,M,B --offset R,M,B
 *   Raw system calls. R, M, B: nanoseconds of REALTIME, MONOTONIC, BOOTTIME;
 *   --host is the host's clock shortly before the start. Each read is sorted
 *   by where it lies: at the host's time (unshifted), one offset from it
 *   (right), two (doubled), anywhere else (other). The offsets must be over
 *   two hours, the run shorter than one.
 *
 * hammer --threads N --seconds S --order
 *   Raw system calls and the C library in turn: no read may be earlier than
 *   one that was finished, by any thread, before it began. Holds while a rule
 *   steps forward too.
 *
 * Ends after S seconds, or by SIGTERM. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "raw.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { REALTIME, MONOTONIC, BOOTTIME, FAMILIES };
#define THREADS_MAX 256
#define RUN_MAX_NS (3600 * NS_PER_S)
/* Coarse clocks and whole microseconds lie behind. */
#define LAG_MAX_NS NS_PER_S

static atomic_bool stop;
static int64_t host[FAMILIES], offset[FAMILIES];

/* ---- Doors ------------------------------------------------------------- */

static bool raw_clock(long clock, int64_t *ns)
{
	struct native_time time = { 0, 0 };
	long ret = raw3(NR_CLOCK_GETTIME, clock, (long)&time, 0);

	*ns = native_ns(time);
	return ret == 0;
}

static bool raw_gettimeofday(long arg, int64_t *ns)
{
	struct native_time time = { 0, 0 };
	long ret = raw3(NR_GETTIMEOFDAY, (long)&time, 0, 0);

	(void)arg;
	*ns = time.sec * NS_PER_S + time.fraction * 1000;
	return ret == 0;
}

static bool raw_adjtimex(long arg, int64_t *ns)
{
	native_timex timex = { .modes = 0 };
	long ret = raw3(NR_ADJTIMEX, (long)&timex, 0, 0);
	bool nano = timex.status & TIMEX_STA_NANO;

	(void)arg;
	*ns = timex.time.sec * NS_PER_S +
	      timex.time.fraction * (nano ? 1 : 1000);
	return ret >= 0;
}

static bool libc_clock(long clock, int64_t *ns)
{
	struct timespec time = { 0, 0 };
	int ret = clock_gettime((clockid_t)clock, &time);

	*ns = (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
	return ret == 0;
}

static bool libc_gettimeofday(long arg, int64_t *ns)
{
	struct timeval time = { 0, 0 };
	int ret = gettimeofday(&time, NULL);

	(void)arg;
	*ns = (int64_t)time.tv_sec * NS_PER_S + time.tv_usec * 1000;
	return ret == 0;
}

struct door {
	const char *name;
	bool (*read)(long arg, int64_t *ns);
	long arg;
	int family;
	int64_t unit;
};

static const struct door hammer_doors[] = {
	{ "realtime", raw_clock, RAW_REALTIME, REALTIME, 1 },
	{ "monotonic", raw_clock, RAW_MONOTONIC, MONOTONIC, 1 },
	{ "boottime", raw_clock, RAW_BOOTTIME, BOOTTIME, 1 },
	{ "realtime_coarse", raw_clock, RAW_REALTIME_COARSE, REALTIME, 1 },
	{ "gettimeofday", raw_gettimeofday, 0, REALTIME, 1000 },
	{ "adjtimex", raw_adjtimex, 0, REALTIME, 1000 },
};
#define HAMMER_DOORS (sizeof(hammer_doors) / sizeof(*hammer_doors))

/* Of one clock, fine-grained: coarse ones may lie behind. */
static const struct door order_doors[] = {
	{ "raw", raw_clock, RAW_REALTIME, REALTIME, 1 },
	{ "libc", libc_clock, RAW_REALTIME, REALTIME, 1 },
	{ "raw", raw_gettimeofday, 0, REALTIME, 1000 },
	{ "libc", libc_gettimeofday, 0, REALTIME, 1000 },
	{ "raw", raw_adjtimex, 0, REALTIME, 1000 },
	{ "raw", raw_clock, RAW_MONOTONIC, MONOTONIC, 1 },
	{ "libc", libc_clock, RAW_MONOTONIC, MONOTONIC, 1 },
	{ "raw", raw_clock, RAW_BOOTTIME, BOOTTIME, 1 },
	{ "libc", libc_clock, RAW_BOOTTIME, BOOTTIME, 1 },
};
#define ORDER_DOORS (sizeof(order_doors) / sizeof(*order_doors))

/* ---- Sorting reads ----------------------------------------------------- */

enum verdict { RIGHT, UNSHIFTED, DOUBLED, OTHER, FAILED, VERDICTS };

struct tally {
	uint64_t reads[HAMMER_DOORS][VERDICTS];
	int64_t example; /* a value that was OTHER */
} __attribute__((aligned(64)));

static struct tally tallies[THREADS_MAX];

static bool lies_at(int64_t value, int64_t from)
{
	return value >= from - LAG_MAX_NS && value < from + RUN_MAX_NS;
}

static enum verdict judge(int family, int64_t value)
{
	if (lies_at(value, host[family] + offset[family]))
		return RIGHT;
	if (lies_at(value, host[family]))
		return UNSHIFTED;
	if (lies_at(value, host[family] + 2 * offset[family]))
		return DOUBLED;
	return OTHER;
}

static void *hammer(void *arg)
{
	struct tally *tally = arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (size_t i = 0; i < HAMMER_DOORS; i++) {
			const struct door *door = &hammer_doors[i];
			enum verdict verdict = FAILED;
			int64_t ns;

			if (door->read(door->arg, &ns))
				verdict = judge(door->family, ns);
			if (verdict == OTHER)
				tally->example = ns;
			tally->reads[i][verdict]++;
		}
	}
	return NULL;
}

static void print_hammer(int threads)
{
	uint64_t sum[HAMMER_DOORS][VERDICTS] = { 0 }, all[VERDICTS] = { 0 };
	uint64_t reads = 0;
	int64_t example = 0;

	for (int t = 0; t < threads; t++) {
		if (tallies[t].example)
			example = tallies[t].example;
		for (size_t i = 0; i < HAMMER_DOORS; i++)
			for (int v = 0; v < VERDICTS; v++) {
				sum[i][v] += tallies[t].reads[i][v];
				all[v] += tallies[t].reads[i][v];
				reads += tallies[t].reads[i][v];
			}
	}
	printf("{\"threads\":%d,\"reads\":%" PRIu64 ",\"right\":%" PRIu64
	       ",\"unshifted\":%" PRIu64 ",\"doubled\":%" PRIu64
	       ",\"other\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"example\":%" PRId64 ",\"doors\":{",
	       threads, reads, all[RIGHT], all[UNSHIFTED], all[DOUBLED],
	       all[OTHER], all[FAILED], example);
	for (size_t i = 0; i < HAMMER_DOORS; i++)
		printf("%s\"%s\":{\"right\":%" PRIu64 ",\"wrong\":%" PRIu64 "}",
		       i ? "," : "", hammer_doors[i].name, sum[i][RIGHT],
		       sum[i][UNSHIFTED] + sum[i][DOUBLED] + sum[i][OTHER] +
			       sum[i][FAILED]);
	printf("}}\n");
}

/* ---- Order ------------------------------------------------------------- */

static _Atomic int64_t latest[FAMILIES];

struct order {
	uint64_t reads, backward, failed;
	int64_t worst;
	const char *where;
} __attribute__((aligned(64)));

static struct order orders[THREADS_MAX];

static void check_order(struct order *order, const struct door *door)
{
	int64_t before = atomic_load(&latest[door->family]), seen, value;

	order->reads++;
	if (!door->read(door->arg, &value)) {
		order->failed++;
		return;
	}
	/* What was read before, as this door would have shown it. */
	seen = before / door->unit * door->unit;
	if (value < seen) {
		order->backward++;
		if (seen - value > order->worst) {
			order->worst = seen - value;
			order->where = door->name;
		}
	}
	while (before < value && !atomic_compare_exchange_weak(
					 &latest[door->family], &before, value))
		;
}

static void *keep_order(void *arg)
{
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		for (size_t i = 0; i < ORDER_DOORS; i++)
			check_order(arg, &order_doors[i]);
	return NULL;
}

static void print_order(int threads)
{
	struct order all = { .where = "nowhere" };

	for (int t = 0; t < threads; t++) {
		all.reads += orders[t].reads;
		all.backward += orders[t].backward;
		all.failed += orders[t].failed;
		if (orders[t].worst > all.worst) {
			all.worst = orders[t].worst;
			all.where = orders[t].where;
		}
	}
	printf("{\"threads\":%d,\"reads\":%" PRIu64 ",\"backward\":%" PRIu64
	       ",\"failed\":%" PRIu64 ",\"worst_ns\":%" PRId64
	       ",\"where\":\"%s\"}\n",
	       threads, all.reads, all.backward, all.failed, all.worst,
	       all.where);
}

/* ---- Options ----------------------------------------------------------- */

static void parse_clocks(const char *text, int64_t to[FAMILIES])
{
	if (sscanf(text, "%" SCNd64 ",%" SCNd64 ",%" SCNd64, &to[REALTIME],
		   &to[MONOTONIC], &to[BOOTTIME]) != FAMILIES) {
		fprintf(stderr, "hammer: %s: not R,M,B\n", text);
		exit(2);
	}
}

/* Relative: virtual time does not change how long that is. */
static void wait_for_end(const sigset_t *terms, int seconds)
{
	const struct timespec length = { .tv_sec = seconds };

	while (sigtimedwait(terms, NULL, &length) < 0 && errno == EINTR)
		;
}

static void run(int threads, int seconds, bool order)
{
	pthread_t thread[THREADS_MAX];
	sigset_t terms;

	/* By the other threads, too. */
	sigemptyset(&terms);
	sigaddset(&terms, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &terms, NULL);
	for (int t = 0; t < threads; t++) {
		void *arg = order ? (void *)&orders[t] : (void *)&tallies[t];

		if (pthread_create(&thread[t], NULL,
				   order ? keep_order : hammer, arg)) {
			perror("pthread_create");
			exit(1);
		}
	}
	wait_for_end(&terms, seconds);
	atomic_store(&stop, true);
	for (int t = 0; t < threads; t++)
		pthread_join(thread[t], NULL);
}

int main(int argc, char **argv)
{
	int threads = 8, seconds = 20;
	bool order = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--order")) {
			order = true;
			continue;
		}
		if (i + 1 == argc)
			return 2;
		if (!strcmp(argv[i], "--threads"))
			threads = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--host"))
			parse_clocks(argv[++i], host);
		else if (!strcmp(argv[i], "--offset"))
			parse_clocks(argv[++i], offset);
		else
			return 2;
	}
	if (threads < 1 || threads > THREADS_MAX || seconds < 1 ||
	    (!order && !host[REALTIME]))
		return 2;
	run(threads, seconds, order);
	if (order)
		print_order(threads);
	else
		print_hammer(threads);
	return 0;
}
