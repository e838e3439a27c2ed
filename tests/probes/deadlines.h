/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doors by which a process passes a time to wait for. A door makes the raw
 * system call with a pointer that it is given and waits until it has fired;
 * the cases (which time, which memory) are the same for all: deadlines.c.
 */
#ifndef TIMENSBPF_TESTS_PROBES_DEADLINES_H
#define TIMENSBPF_TESTS_PROBES_DEADLINES_H

#include "raw.h"

#include <stdbool.h>
#include <stddef.h>

#define NS_PER_MS 1000000LL

/* ---- Clocks and the ways to call ---------------------------------------- */

struct clock {
	const char *name;
	long id;
	long base;  /* the clock to read: those of alarms need a device */
	int family; /* 0 REALTIME, 1 MONOTONIC, 2 BOOTTIME */
};

enum clocks {
	R = 1 << 0,
	M = 1 << 1,
	B = 1 << 2,
	TAI = 1 << 3,
	RA = 1 << 4,
	BA = 1 << 5,
};
#define CLOCKS 6
extern const struct clock clocks[CLOCKS];

/* By raw system call; on failure the process ends. */
int64_t clock_now(long id);

enum call {
	CALL_CLOCK_NANOSLEEP,
	CALL_NANOSLEEP,
	CALL_TIMER_SETTIME,
	CALL_TIMER_GETTIME,
	CALL_TIMERFD_SETTIME,
	CALL_TIMERFD_GETTIME,
	CALL_FUTEX,
	CALL_MQ_SEND,
	CALL_MQ_RECEIVE,
	CALL_PPOLL,
	CALL_PSELECT6,
	CALL_SIGTIMEDWAIT,
	CALL_SEMTIMEDOP,
	CALL_FUTEX_WAITV,
	CALL_FUTEX_WAIT,
	CALL_EPOLL_PWAIT2,
	CALL_IO_URING,
	CALLS
};
/* From here on one number, and 64-bit time, for all. */
#define CALL_MODERN CALL_FUTEX_WAITV

struct abi {
	const char *prefix, *suffix;
	bool time32; /* struct old_timespec32 */
	bool compat; /* the upper half of 64-bit tv_nsec is padding */
	bool modern; /* the one that calls with a single number are made by */
	long (*call)(long nr, long a, long b, long c, long d, long e, long f);
	long nr[CALLS]; /* 0: there is none */
};
extern const struct abi abis[];
extern const int abi_count;

/* ---- Memory -------------------------------------------------------------- */

enum memory { PLAIN, READONLY, UNTOUCHED, ACROSS_PAGES, FORKED };

/* Two pages full of a pattern, in them the bytes that are passed. */
struct argument {
	unsigned char *pages, *copy, *time;
	int child; /* has the pages, too; 0: there is none */
};

void argument_make(struct argument *argument, enum memory memory,
		   const void *bytes, size_t size);
bool argument_unchanged(const struct argument *argument);
void argument_free(struct argument *argument);

/* Zeroed memory below 4 GiB. */
void *low_pages(size_t size);

/* In the layout of the ABI; the bytes that it takes. */
size_t time_put(const struct abi *abi, void *to, int64_t sec, int64_t nsec);
int64_t time_get(const struct abi *abi, const void *from);

/* ---- The watchdog -------------------------------------------------------- */

/* A thread that ends a wait after `ns`: by end(arg), or by a signal to the
 * caller if that is NULL. Again and again until watch_end(). */
void watch_start(void);
void watch_begin(int64_t ns, void (*end)(void *), void *arg);
bool watch_end(void); /* whether it had to */
bool watch_has_ended(void);
int watch_tid(void);

/* ---- Doors --------------------------------------------------------------- */

struct ring {
	int fd;
	void *rings, *sqes;
	size_t rings_size, sqes_size;
	unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	void *cqes;
	bool polled;
};

struct trial {
	const struct door *door;
	const struct clock *clock;
	const struct abi *abi;
	void *time;	      /* what is passed, good or not */
	int64_t interval;     /* of a periodic timer, or 0 */
	uint64_t expirations; /* of a timer, when the wait is over */
	long nr;
	int fd, pipe[2];
	uint32_t *words;
	struct ring ring;
};

enum door_flags {
	ITIMERSPEC = 1 << 0,
	PERIODIC = 1 << 1,
	RELATIVE = 1 << 2,
	NULL_WAITS = 1 << 3, /* a NULL pointer is a wait without an end */
	ABSENT_IF_EINVAL = 1 << 4,
	CANCEL_ON_SET = 1 << 5,
	WRITES_BACK = 1 << 6, /* what remains */
};

struct door {
	const char *name;
	enum call call;
	unsigned clocks;
	unsigned flags;
	long fired;			   /* what wait() returns then */
	int (*begin)(struct trial *trial); /* 0 or a negative errno */
	long (*wait)(struct trial *trial);
	void (*end)(void *trial); /* another way than a signal */
	void (*finish)(struct trial *trial);
	void (*more)(struct trial *trial); /* cases of this kind of door */
	int op;				   /* which of a family */
};

extern const struct door wait_doors[], timer_doors[], ring_doors[];
extern const int wait_door_count, timer_door_count, ring_door_count;

/* make the call itself */
static inline long trial_call(const struct trial *t, long a, long b, long c,
			      long d, long e, long f)
{
	return t->abi->call(t->nr, a, b, c, d, e, f);
}

/* One line of output; NULL: the case is right. */
void report(const struct trial *trial, const char *name, const char *wrong);
void report_errno(const struct trial *trial, const char *name, long result);

#endif
