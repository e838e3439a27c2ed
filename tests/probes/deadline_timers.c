/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doors that are set, and fire by a signal or a file descriptor. */
#define _GNU_SOURCE
#include "deadlines.h"
#include "tolerance.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EXPIRATIONS 3
#define SETTIME_ABSOLUTE 1
#define SETTIME_CANCEL_ON_SET 2
/* of the kernel: SIGRTMIN of the C library is another one */
#define TIMER_SIGNAL 40

/* ---- Both kinds ---------------------------------------------------------- */

static bool is_timerfd(const struct trial *t)
{
	return t->door->call == CALL_TIMERFD_SETTIME;
}

static long settime(struct trial *t, void *time, void *old)
{
	long flags = t->door->flags & RELATIVE ? 0 : SETTIME_ABSOLUTE;

	if (t->door->flags & CANCEL_ON_SET)
		flags |= SETTIME_CANCEL_ON_SET;
	return trial_call(t, t->fd, flags, (long)time, (long)old, 0, 0);
}

static long gettime(struct trial *t, void *to)
{
	enum call call = is_timerfd(t) ? CALL_TIMERFD_GETTIME
				       : CALL_TIMER_GETTIME;

	return t->abi->call(t->abi->nr[call], t->fd, (long)to, 0, 0, 0, 0);
}

/* ---- timer_create -------------------------------------------------------- */

static int timer_begin(struct trial *t)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = TIMER_SIGNAL };
	uint64_t mask = 1ULL << (TIMER_SIGNAL - 1);
	int id = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, sizeof(mask));
	if (syscall(SYS_timer_create, t->clock->id, &event, &id))
		return -errno;
	t->fd = id;
	return 0;
}

/* What was queued would be taken for the next timer's. */
static void timer_finish(struct trial *t)
{
	uint64_t mask = 1ULL << (TIMER_SIGNAL - 1);
	struct timespec zero = { 0, 0 };

	if (t->fd < 0)
		return;
	syscall(SYS_timer_delete, t->fd);
	t->fd = -1;
	while (syscall(SYS_rt_sigtimedwait, &mask, NULL, &zero, 8) > 0)
		;
}

static long timer_expire(struct trial *t)
{
	uint64_t mask = 1ULL << (TIMER_SIGNAL - 1);
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	if (syscall(SYS_rt_sigtimedwait, &mask, &info, NULL, 8) != TIMER_SIGNAL)
		return -errno;
	t->expirations += 1 + (unsigned)info.si_overrun;
	return 0;
}

static bool timer_has_fired(struct trial *t)
{
	sigset_t pending;

	(void)t;
	return !sigpending(&pending) && sigismember(&pending, TIMER_SIGNAL);
}

/* ---- timerfd ------------------------------------------------------------- */

static int timerfd_begin(struct trial *t)
{
	t->fd = timerfd_create((int)t->clock->id, TFD_CLOEXEC);
	return t->fd < 0 ? -errno : 0;
}

static void timerfd_finish(struct trial *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static long timerfd_expire(struct trial *t)
{
	uint64_t count = 0;
	long ret = raw3(NR_READ, t->fd, (long)&count, sizeof(count));

	t->expirations += count;
	return ret < 0 ? ret : 0;
}

static bool timerfd_has_fired(struct trial *t)
{
	struct pollfd pollfd = { .fd = t->fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0;
}

/* ---- Waiting ------------------------------------------------------------- */

static long expire(struct trial *t)
{
	return is_timerfd(t) ? timerfd_expire(t) : timer_expire(t);
}

static bool has_fired(struct trial *t)
{
	return is_timerfd(t) ? timerfd_has_fired(t) : timer_has_fired(t);
}

static long set_and_wait(struct trial *t)
{
	uint64_t wanted = t->interval ? EXPIRATIONS : 1;
	long ret = settime(t, t->time, NULL);

	while (ret >= 0 && t->expirations < wanted)
		ret = expire(t);
	return ret < 0 ? ret : 0;
}

/* ---- What a timer tells -------------------------------------------------- */

#define MARGIN_S 100
/* So far below KTIME_SEC_MAX that no rule of the tests reaches that. */
#define FAR_SEC 9223000000LL
/* Its host time must fit, too, in rules that set clocks back (surface.md). */
#define FAR_SEC32 (INT32_MAX - 2000)
#define INTERVAL_NS (20 * NS_PER_MS)

static size_t set_bytes(struct trial *t, unsigned char *bytes, int64_t sec,
			int64_t nsec)
{
	size_t size = time_put(t->abi, bytes, 0, INTERVAL_NS);

	return size + time_put(t->abi, bytes + size, sec, nsec);
}

/* Set it; NULL or what is wrong. Old values to `old`. */
static const char *set(struct trial *t, int64_t sec, int64_t nsec, void *old)
{
	unsigned char bytes[32];
	struct argument argument;
	const char *wrong = NULL;
	size_t size = set_bytes(t, bytes, sec, nsec);

	argument_make(&argument, PLAIN, bytes, size);
	if (settime(t, argument.time, old))
		wrong = "cannot be set";
	else if (!argument_unchanged(&argument))
		wrong = "memory changed";
	argument_free(&argument);
	return wrong;
}

static const char *judge_remaining(struct trial *t, const unsigned char *told,
				   int64_t low, int64_t high)
{
	size_t size = t->abi->time32 ? 8 : 16;
	int64_t remaining = time_get(t->abi, told + size);

	if (time_get(t->abi, told) != INTERVAL_NS)
		return "another interval";
	if (remaining <= 0)
		return "no time remains";
	if (remaining > high)
		return "more remains than was set";
	return remaining < low ? "less remains than was set" : NULL;
}

static void check_remaining(struct trial *t, const char *name, int64_t sec)
{
	unsigned char *told = (unsigned char *)t->words;
	const char *wrong = set(t, sec, 0, NULL);
	int64_t before = clock_now(t->clock->base);

	if (!wrong && gettime(t, told))
		wrong = "gettime fails";
	if (!wrong)
		wrong = judge_remaining(
			t, told, sec * NS_PER_S - clock_now(t->clock->base),
			sec * NS_PER_S - before);
	report(t, name, wrong);
}

/* The timer was set to `sec` by the one before. */
static void check_old(struct trial *t, int64_t sec)
{
	unsigned char *told = (unsigned char *)t->words;
	int64_t before = clock_now(t->clock->base);
	const char *wrong = set(t, sec + MARGIN_S, 0, told);

	if (!wrong)
		wrong = judge_remaining(
			t, told, sec * NS_PER_S - clock_now(t->clock->base),
			sec * NS_PER_S - before);
	report(t, "old-value", wrong);
}

static void check_disarm(struct trial *t)
{
	unsigned char *told = (unsigned char *)t->words;
	size_t size = t->abi->time32 ? 8 : 16;
	const char *wrong = set(t, 0, 0, NULL);

	poll(NULL, 0, 50);
	if (!wrong && gettime(t, told))
		wrong = "gettime fails";
	/* Of alarms the kernel tells what they were set to before. */
	if (!wrong && time_get(t->abi, told + size) &&
	    t->clock->id == t->clock->base)
		wrong = "time remains";
	if (!wrong && has_fired(t))
		wrong = "fired";
	report(t, "disarm", wrong);
}

/* A late start: what should have been before counts, exactly. */
static void check_count(struct trial *t, const char *name, int64_t sec)
{
	int64_t deadline = sec * NS_PER_S, low, high;
	int64_t before = clock_now(t->clock->base);
	const char *wrong = set(t, sec, 0, NULL);
	char counts[96];

	t->expirations = 0;
	watch_begin(LATE_NS, NULL, NULL);
	if (!wrong && expire(t))
		wrong = "did not fire";
	watch_end();
	low = 1 + (before - deadline) / INTERVAL_NS;
	high = 1 + (clock_now(t->clock->base) - deadline) / INTERVAL_NS;
	/* si_overrun ends there. */
	if (!is_timerfd(t) && low > INT32_MAX)
		low = high = 1LL + INT32_MAX;
	if (!wrong &&
	    ((int64_t)t->expirations < low || (int64_t)t->expirations > high)) {
		snprintf(counts, sizeof(counts), "%lld expirations, not %lld",
			 (long long)t->expirations, (long long)low);
		wrong = counts;
	}
	report(t, name, wrong);
}

static void more(struct trial *t)
{
	int64_t sec = clock_now(t->clock->base) / NS_PER_S + MARGIN_S;

	if (t->door->begin(t) < 0)
		return;
	check_remaining(t, "remaining", sec);
	check_old(t, sec);
	check_remaining(t, "remaining-far",
			t->abi->time32 ? FAR_SEC32 : FAR_SEC);
	check_disarm(t);
	t->door->finish(t);
}

static void more_counts(struct trial *t)
{
	int64_t sec = clock_now(t->clock->base) / NS_PER_S;

	if (t->door->begin(t) < 0)
		return;
	check_count(t, "past-count", sec - 1);
	t->door->finish(t);
}

/* ---- The table ----------------------------------------------------------- */

#define TIMER                                             \
	.call = CALL_TIMER_SETTIME, .begin = timer_begin, \
	.wait = set_and_wait, .finish = timer_finish
#define TIMERFD                                               \
	.call = CALL_TIMERFD_SETTIME, .begin = timerfd_begin, \
	.wait = set_and_wait, .finish = timerfd_finish

const struct door timer_doors[] = {
	{ TIMER, .name = "timer_settime", .clocks = R | M | B | TAI | RA | BA,
	  .flags = ITIMERSPEC, .more = more },
	{ TIMER, .name = "timer_settime_periodic",
	  .clocks = R | M | B | TAI | RA | BA, .flags = ITIMERSPEC | PERIODIC,
	  .more = more_counts },
	{ TIMERFD, .name = "timerfd_settime", .clocks = R | M | B | RA | BA,
	  .flags = ITIMERSPEC, .more = more },
	{ TIMERFD, .name = "timerfd_settime_periodic",
	  .clocks = R | M | B | RA | BA, .flags = ITIMERSPEC | PERIODIC,
	  .more = more_counts },
	{ TIMERFD, .name = "timerfd_settime_cancel", .clocks = R | RA,
	  .flags = ITIMERSPEC | CANCEL_ON_SET, .more = more },
	{ TIMER, .name = "relative_timer_settime",
	  .clocks = R | M | B | TAI | RA | BA, .flags = ITIMERSPEC | RELATIVE },
	{ TIMERFD, .name = "relative_timerfd_settime",
	  .clocks = R | M | B | RA | BA, .flags = ITIMERSPEC | RELATIVE },
};
const int timer_door_count = sizeof(timer_doors) / sizeof(*timer_doors);
