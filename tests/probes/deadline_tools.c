/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doors of deadlines.h are opened with. */
#define _GNU_SOURCE
#include "deadlines.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* ---- Clocks and the ways to call ---------------------------------------- */

const struct clock clocks[CLOCKS] = {
	{ "REALTIME", RAW_REALTIME, RAW_REALTIME, 0 },
	{ "MONOTONIC", RAW_MONOTONIC, RAW_MONOTONIC, 1 },
	{ "BOOTTIME", RAW_BOOTTIME, RAW_BOOTTIME, 2 },
	{ "TAI", RAW_TAI, RAW_TAI, 0 },
	{ "REALTIME_ALARM", RAW_REALTIME_ALARM, RAW_REALTIME, 0 },
	{ "BOOTTIME_ALARM", RAW_BOOTTIME_ALARM, RAW_BOOTTIME, 2 },
};

int64_t clock_now(long id)
{
	struct time64 time = { 0, 0 };
#if defined(__x86_64__)
	long ret = raw3(NR_CLOCK_GETTIME, id, (long)&time, 0);
#else
	long ret = raw3(NR32_CLOCK_GETTIME64, id, (long)&time, 0);
#endif

	must(ret == 0, "clock_gettime");
	return time.sec * NS_PER_S + time.fraction;
}

#define MODERN                                             \
	[CALL_FUTEX_WAITV] = 449, [CALL_FUTEX_WAIT] = 455, \
	[CALL_EPOLL_PWAIT2] = 441, [CALL_IO_URING] = 426
#define TIME32_CALLS                                                       \
	[CALL_CLOCK_NANOSLEEP] = 267, [CALL_NANOSLEEP] = 162,              \
	[CALL_TIMER_SETTIME] = 260, [CALL_TIMER_GETTIME] = 261,            \
	[CALL_TIMERFD_SETTIME] = 325, [CALL_TIMERFD_GETTIME] = 326,        \
	[CALL_FUTEX] = 240, [CALL_MQ_SEND] = 279, [CALL_MQ_RECEIVE] = 280, \
	[CALL_PPOLL] = 309, [CALL_PSELECT6] = 308, [CALL_SIGTIMEDWAIT] = 177
#define TIME64_CALLS                                                       \
	[CALL_CLOCK_NANOSLEEP] = 407, [CALL_TIMER_SETTIME] = 409,          \
	[CALL_TIMER_GETTIME] = 408, [CALL_TIMERFD_SETTIME] = 411,          \
	[CALL_TIMERFD_GETTIME] = 410, [CALL_FUTEX] = 422,                  \
	[CALL_MQ_SEND] = 418, [CALL_MQ_RECEIVE] = 419, [CALL_PPOLL] = 414, \
	[CALL_PSELECT6] = 413, [CALL_SIGTIMEDWAIT] = 421,                  \
	[CALL_SEMTIMEDOP] = 420

#if defined(__x86_64__)
const struct abi abis[] = {
	{ "",
	  "",
	  false,
	  false,
	  true,
	  raw6,
	  { [CALL_CLOCK_NANOSLEEP] = 230,
	    [CALL_NANOSLEEP] = 35,
	    [CALL_TIMER_SETTIME] = 223,
	    [CALL_TIMER_GETTIME] = 224,
	    [CALL_TIMERFD_SETTIME] = 286,
	    [CALL_TIMERFD_GETTIME] = 287,
	    [CALL_FUTEX] = 202,
	    [CALL_MQ_SEND] = 242,
	    [CALL_MQ_RECEIVE] = 243,
	    [CALL_PPOLL] = 271,
	    [CALL_PSELECT6] = 270,
	    [CALL_SIGTIMEDWAIT] = 128,
	    [CALL_SEMTIMEDOP] = 220,
	    MODERN } },
	{ "int80-", "", true, true, false, raw6_int80, { TIME32_CALLS } },
	{ "int80-",
	  "_time64",
	  false,
	  true,
	  false,
	  raw6_int80,
	  { TIME64_CALLS } },
};
#else
const struct abi abis[] = {
	{ "", "", true, true, false, raw6, { TIME32_CALLS } },
	{ "", "_time64", false, true, true, raw6, { TIME64_CALLS, MODERN } },
};
#endif
const int abi_count = sizeof(abis) / sizeof(*abis);

/* ---- Memory -------------------------------------------------------------- */

#define PAGE 4096
#define PAGES_SIZE (2 * PAGE)
#define PATTERN 0xa5
#if defined(__x86_64__)
#define LOW MAP_32BIT
#else
#define LOW 0
#endif

size_t time_put(const struct abi *abi, void *to, int64_t sec, int64_t nsec)
{
	struct time32 time32 = { (int32_t)sec, (int32_t)nsec };
	struct time64 time64 = { sec, nsec };

	if (abi->time32)
		memcpy(to, &time32, sizeof(time32));
	else
		memcpy(to, &time64, sizeof(time64));
	return abi->time32 ? sizeof(time32) : sizeof(time64);
}

int64_t time_get(const struct abi *abi, const void *from)
{
	struct time32 time32;
	struct time64 time64;

	memcpy(&time32, from, sizeof(time32));
	if (abi->time32)
		return time32.sec * NS_PER_S + time32.fraction;
	memcpy(&time64, from, sizeof(time64));
	return time64.sec * NS_PER_S + time64.fraction;
}

void *low_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | LOW, -1, 0);

	must(pages != MAP_FAILED, "mmap");
	return pages;
}

static unsigned char *untouched_pages(const unsigned char *copy)
{
	int fd = memfd_create("deadline", 0);
	void *pages;

	must(fd >= 0 && write(fd, copy, PAGES_SIZE) == PAGES_SIZE, "memfd");
	pages = mmap(NULL, PAGES_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | LOW, fd, 0);
	must(pages != MAP_FAILED, "mmap");
	close(fd);
	return pages;
}

/* Until argument_free(), or until the parent ends. The C library's fork() would
 * take locks that the watchdog may hold. */
static int forked_child(void)
{
	long pid = syscall(SYS_fork);

	must(pid >= 0, "fork");
	if (pid)
		return (int)pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	for (;;)
		pause();
}

void argument_make(struct argument *argument, enum memory memory,
		   const void *bytes, size_t size)
{
	size_t at = memory == ACROSS_PAGES ? PAGE - size / 2 : PAGE / 2;

	argument->copy = malloc(PAGES_SIZE);
	must(argument->copy, "malloc");
	memset(argument->copy, PATTERN, PAGES_SIZE);
	memcpy(argument->copy + at, bytes, size);
	if (memory == UNTOUCHED) {
		argument->pages = untouched_pages(argument->copy);
	} else {
		argument->pages = low_pages(PAGES_SIZE);
		memcpy(argument->pages, argument->copy, PAGES_SIZE);
	}
	if (memory == READONLY)
		must(!mprotect(argument->pages, PAGES_SIZE, PROT_READ),
		     "mprotect");
	argument->child = memory == FORKED ? forked_child() : 0;
	argument->time = argument->pages + at;
}

bool argument_unchanged(const struct argument *argument)
{
	return !memcmp(argument->pages, argument->copy, PAGES_SIZE);
}

void argument_free(struct argument *argument)
{
	if (argument->child) {
		kill(argument->child, SIGKILL);
		waitpid(argument->child, NULL, 0);
	}
	munmap(argument->pages, PAGES_SIZE);
	free(argument->copy);
}

/* ---- The watchdog -------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	int64_t limit; /* 0: nothing to end */
	void (*end)(void *);
	void *arg;
	atomic_bool ended;
	atomic_int tid;
	int waker;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void nothing(int signal)
{
	(void)signal;
}

/* The milliseconds until it has to look again, -1 for ever. */
static int watch_look(void)
{
	int64_t left;

	if (!watch.limit)
		return -1;
	left = watch.limit - clock_now(RAW_MONOTONIC_RAW);
	if (left > 0)
		return (int)(left / NS_PER_MS) + 1;
	atomic_store(&watch.ended, true);
	if (watch.end)
		watch.end(watch.arg);
	else
		syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	return 10;
}

static void *watch_loop(void *arg)
{
	struct pollfd waker = { .fd = watch.waker, .events = POLLIN };
	uint64_t value;
	sigset_t all;
	int timeout;

	/* What timers send is for the one who waits. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	atomic_store(&watch.tid, (int)syscall(SYS_gettid));
	for (;;) {
		pthread_mutex_lock(&watch.lock);
		timeout = watch_look();
		pthread_mutex_unlock(&watch.lock);
		if (poll(&waker, 1, timeout) > 0)
			must(read(watch.waker, &value, sizeof(value)) > 0,
			     "eventfd");
	}
	return arg;
}

void watch_start(void)
{
	struct sigaction action = { .sa_handler = nothing };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	watch.waker = eventfd(0, 0);
	must(watch.waker >= 0, "eventfd");
	must(!pthread_create(&thread, NULL, watch_loop, NULL), "thread");
	while (!atomic_load(&watch.tid))
		poll(NULL, 0, 1);
}

void watch_begin(int64_t ns, void (*end)(void *), void *arg)
{
	uint64_t one = 1;

	pthread_mutex_lock(&watch.lock);
	watch.limit = clock_now(RAW_MONOTONIC_RAW) + ns;
	watch.end = end;
	watch.arg = arg;
	atomic_store(&watch.ended, false);
	pthread_mutex_unlock(&watch.lock);
	must(write(watch.waker, &one, sizeof(one)) > 0, "eventfd");
}

bool watch_end(void)
{
	pthread_mutex_lock(&watch.lock);
	watch.limit = 0;
	pthread_mutex_unlock(&watch.lock);
	return atomic_load(&watch.ended);
}

bool watch_has_ended(void)
{
	return atomic_load(&watch.ended);
}

int watch_tid(void)
{
	return atomic_load(&watch.tid);
}
