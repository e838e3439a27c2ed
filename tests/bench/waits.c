/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "waits.h"

#include "../probes/raw.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define NS_PER_MS 1000000LL
#define WARM_UP 5
/* Nothing else ends a wait for a deadline that lies days ahead on the host's
 * clock, as that of a process inside would if it were not translated. */
#define HANGS_AFTER_S 30

static int64_t now_ns(void)
{
	struct native_time now = { 0, 0 };

	raw3(NR_CLOCK_GETTIME, RAW_MONOTONIC, (long)&now, 0);
	return native_ns(now);
}

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

/* ---- Calls: 0 if it ended as it should --------------------------------- */

static int nanosleep_until(const struct timespec *deadline)
{
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, deadline, NULL);
}

static int futex_until(const struct timespec *deadline)
{
	static uint32_t word;

	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
		       0, deadline, NULL, FUTEX_BITSET_MATCH_ANY) == -1 &&
			       errno == ETIMEDOUT
		       ? 0
		       : -1;
}

static int timer_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return fd;
}

static int timer_arm(const struct timespec *deadline)
{
	const struct itimerspec setting = { .it_value = *deadline };

	return timerfd_settime(timer_fd(), TFD_TIMER_ABSTIME, &setting, NULL);
}

static const struct timespec no_time;

static int nanosleep_none(const struct timespec *deadline)
{
	(void)deadline;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &no_time, NULL);
}

static int ppoll_none(const struct timespec *deadline)
{
	(void)deadline;
	return ppoll(NULL, 0, &no_time, NULL);
}

/* ---- How long after the deadline the wait ended ------------------------- */

static int64_t returned_late(int64_t deadline)
{
	return now_ns() - deadline;
}

static int64_t timer_is_late(int64_t deadline)
{
	struct itimerspec left;

	if (timerfd_gettime(timer_fd(), &left))
		exit(1);
	return now_ns() + left.it_value.tv_sec * NS_PER_S +
	       left.it_value.tv_nsec - deadline;
}

/* ---- Turns -------------------------------------------------------------- */

static const struct wait {
	int (*call)(const struct timespec *deadline);
	int64_t (*late)(int64_t deadline);
	int64_t ahead; /* of now, the deadline */
} waits[OPS] = {
	[OP_NANOSLEEP_AHEAD] = { nanosleep_until, returned_late, NS_PER_MS },
	[OP_FUTEX_AHEAD] = { futex_until, returned_late, NS_PER_MS },
	[OP_NANOSLEEP_PAST] = { nanosleep_until, returned_late, -NS_PER_MS },
	[OP_FUTEX_PAST] = { futex_until, returned_late, -NS_PER_MS },
	[OP_TIMERFD_ARM] = { timer_arm, timer_is_late, 3600 * NS_PER_S },
	[OP_NANOSLEEP_NONE] = { nanosleep_none, returned_late, 0 },
	[OP_PPOLL_NONE] = { ppoll_none, returned_late, 0 },
};

static void call(const struct wait *wait, int64_t deadline, uint32_t calls)
{
	const struct timespec time = to_timespec(deadline);

	for (uint32_t i = 0; i < calls; i++)
		if (wait->call(&time)) {
			fputs("bench_worker: a wait failed\n", stderr);
			exit(1);
		}
}

/* The clock is read within the time that is taken: from that read on, not from
 * when it returns, the process has 1 ms. */
static int64_t sleep_calls(const struct wait *wait, uint32_t calls)
{
	int64_t deadline = 0;

	for (uint32_t i = 0; i < calls; i++) {
		deadline = now_ns() + wait->ahead;
		call(wait, deadline, 1);
	}
	return deadline;
}

struct turn_reply wait_turn(enum op op, uint32_t calls)
{
	const struct wait *wait = &waits[op];
	int64_t deadline = now_ns() + wait->ahead;
	struct turn_reply reply;
	uint64_t begin;

	/* Without it a sleep of no time takes 50 us. */
	prctl(PR_SET_TIMERSLACK, 1);
	alarm(HANGS_AFTER_S);
	if (op_kind(op) == IS_WAIT)
		call(wait, deadline, WARM_UP);
	begin = __rdtsc();
	if (op_kind(op) == IS_WAIT)
		call(wait, deadline, calls);
	else
		deadline = sleep_calls(wait, calls);
	reply.cycles = __rdtsc() - begin;
	reply.value = wait->late(deadline);
	alarm(0);
	return reply;
}
