/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live_threads THREADS [signals|forks]: a process whose time is changed while
 * it runs. THREADS threads read the clock as fast as they can, in turns by the
 * C library and by system call; others wait in the kernel in each way that
 * there is. With `signals` the readers are interrupted a thousand times a
 * second by a handler that reads, too; with `forks` it has children all the
 * time, which compare the C library with system calls.
 *
 * Asked by lines on standard input, it answers with a line each:
 *   check   from here on no reading may be before an earlier one, of any thread
 *   free    readings may be anything
 *   where   "REALTIME MONOTONIC BOOTTIME": what the C library reads
 *   tally   JSON: readings, how many went back, waits that were interrupted,
 *           waits that ended early and how long the last took, children; how
 *           often C library and system call were far apart, by readers and
 *           children
 */
#define _GNU_SOURCE
#include "live_waits.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256
#define MS 1000000LL

static struct {
	/* 0: readings may be anything; another number after each `check` */
	volatile unsigned int check;
	uint64_t readings, back, children, apart;
	int64_t latest[2]; /* of CLOCK_REALTIME, CLOCK_MONOTONIC */
} seen;

static void count(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static int64_t in_ns(const struct timespec *time)
{
	return time->tv_sec * 1000000000LL + time->tv_nsec;
}

static int64_t by_libc(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return in_ns(&now);
}

static int64_t by_kernel(clockid_t clock)
{
	struct timespec now = { 0 };

	syscall(SYS_clock_gettime, clock, &now);
	return in_ns(&now);
}

#define FAR_NS (3600 * 1000000000LL)
#define APART_TRIES 4

static bool are_far(int64_t one, int64_t other)
{
	return llabs(one - other) > FAR_NS;
}

/* It may be changed between two readings, but not again and again. */
static bool is_apart(void)
{
	for (int i = 0; i < APART_TRIES; i++)
		if (!are_far(by_libc(CLOCK_REALTIME),
			     by_kernel(CLOCK_REALTIME)))
			return false;
	return true;
}

/* ---- Readers ------------------------------------------------------------- */

/* What anybody read before this reading began is not later than it. */
static void read_once(clockid_t clock, int64_t (*read_by)(clockid_t))
{
	int64_t *latest = &seen.latest[clock];
	unsigned int check = seen.check;
	int64_t before = __atomic_load_n(latest, __ATOMIC_SEQ_CST);
	int64_t now = read_by(clock);

	count(&seen.readings);
	if (!check || check != seen.check)
		return;
	if (now < before)
		count(&seen.back);
	while (now > before &&
	       !__atomic_compare_exchange_n(latest, &before, now, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* The commands that are tested beside it shall get on. */
static void *read_all_the_time(void *unused)
{
	(void)unused;
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
	for (unsigned int i = 0;; i++) {
		clockid_t clock = i & 1 ? CLOCK_REALTIME : CLOCK_MONOTONIC;

		read_once(clock, i % 16 < 14 ? by_libc : by_kernel);
		if (i % 64 == 0 && is_apart())
			count(&seen.apart);
	}
	return NULL;
}

static void read_in_handler(int number)
{
	int saved = errno;

	(void)number;
	read_once(CLOCK_MONOTONIC, by_libc);
	errno = saved;
}

static void *send_signals(void *readers)
{
	const struct timespec pause = { .tv_nsec = MS };
	pthread_t *reader = readers;

	for (;;) {
		for (int i = 0; i < THREADS_MAX && reader[i]; i++)
			pthread_kill(reader[i], SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* ---- Children ------------------------------------------------------------ */

#define COMPARISONS 50

static __attribute__((noreturn)) void compare(void)
{
	for (int i = 0; i < COMPARISONS; i++)
		if (is_apart())
			_exit(1);
	_exit(0);
}

static void *have_children(void *unused)
{
	int status = 0;

	(void)unused;
	for (;;) {
		pid_t child = fork();

		if (!child)
			compare();
		if (child < 0 || waitpid(child, &status, 0) != child)
			abort();
		count(&seen.children);
		if (status)
			count(&seen.apart);
	}
	return NULL;
}

/* ---- Answers ------------------------------------------------------------- */

static void answer(const char *question)
{
	static unsigned int checks;
	const struct live_waits waits = live_waits_told();

	if (!strcmp(question, "check")) {
		seen.latest[0] = seen.latest[1] = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		seen.check = ++checks;
	} else if (!strcmp(question, "free")) {
		seen.check = 0;
		/* Readings that began before are over. */
		usleep(100000);
	}
	if (!strcmp(question, "where"))
		printf("%" PRId64 " %" PRId64 " %" PRId64 "\n",
		       by_libc(CLOCK_REALTIME), by_libc(CLOCK_MONOTONIC),
		       by_libc(CLOCK_BOOTTIME));
	else
		printf("{\"readings\": %" PRIu64 ", \"back\": %" PRIu64
		       ", \"interrupted\": %" PRIu64 ", \"early\": %" PRIu64
		       ", \"early_ms\": %" PRId64 ", \"children\": %" PRIu64
		       ", \"apart\": %" PRIu64 "}\n",
		       seen.readings, seen.back, waits.interrupted, waits.early,
		       waits.early_ms, seen.children, seen.apart);
	fflush(stdout);
}

static void serve(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
}

int main(int argc, char **argv)
{
	static pthread_t reader[THREADS_MAX + 1];
	struct sigaction action = { .sa_handler = read_in_handler,
				    .sa_flags = SA_RESTART };
	int threads = argc > 1 ? atoi(argv[1]) : 0;
	pthread_t thread;

	if (threads < 0 || threads > THREADS_MAX)
		return 2;
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&reader[i], NULL, read_all_the_time, NULL))
			return 1;
	if (live_waits_begin(&seen.check))
		return 1;
	if (argc > 2 && !strcmp(argv[2], "signals") &&
	    pthread_create(&thread, NULL, send_signals, reader))
		return 1;
	if (argc > 2 && !strcmp(argv[2], "forks") &&
	    pthread_create(&thread, NULL, have_children, NULL))
		return 1;
	serve();
	return 0;
}
