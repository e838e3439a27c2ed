/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "ways.h"

#include "raw.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif

/* An argument that no clock call has tells the filter that a call is ours. */
#define OURS 0x7fee1e55

static const void *images[VDSO_WAYS];
static bool prctl_is_there;

#define FUNCTIONS(way)                                       \
	{ way, "clock_gettime", RAW_REALTIME, 1 },           \
		{ way, "clock_gettime", RAW_MONOTONIC, 1 },  \
		{ way, "clock_gettime", RAW_BOOTTIME, 1 },   \
		{ way, "gettimeofday", RAW_REALTIME, 1000 }, \
	{                                                    \
		way, "time", RAW_REALTIME, NS_PER_S          \
	}

/* First those by which a program sees whether it was given the image. */
static const struct ways_door doors[] = {
	FUNCTIONS(VDSO_BY_STACK),
	FUNCTIONS(VDSO_BY_GETAUXVAL),
	FUNCTIONS(VDSO_BY_PROC_AUXV),
	FUNCTIONS(VDSO_BY_PRCTL),
	FUNCTIONS(VDSO_BY_MAPPING),
	FUNCTIONS(WAY_LIBC),
	{ WAY_RAW, "clock_gettime", RAW_REALTIME, 1 },
	{ WAY_RAW, "clock_gettime", RAW_MONOTONIC, 1 },
	{ WAY_RAW, "clock_gettime", RAW_BOOTTIME, 1 },
	{ WAY_RAW, "gettimeofday", RAW_REALTIME, 1000 },
};

unsigned int ways_count(void)
{
	return sizeof(doors) / sizeof(*doors);
}

const struct ways_door *ways_door(unsigned int number)
{
	return number < ways_count() ? &doors[number] : NULL;
}

const char *ways_name(int way)
{
	if (way == WAY_LIBC)
		return "libc";
	return way == WAY_RAW ? "raw" : vdso_way_name(way);
}

void ways_begin(char **environ_at_start)
{
	uint64_t auxv[2];

	for (int way = 0; way < VDSO_WAYS; way++)
		images[way] = vdso_find(way, environ_at_start);
	prctl_is_there = prctl(PR_GET_AUXV, auxv, sizeof(auxv), 0, 0) >= 0;
}

#define REFUSE(number)                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS_DATA))
#define ENOSYS_DATA (38 & SECCOMP_RET_DATA)

bool ways_forbid_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		REFUSE(SYS_clock_gettime),
		REFUSE(SYS_gettimeofday),
		REFUSE(SYS_time),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
				      filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int64_t call(const struct ways_door *door)
{
	bool is_day = !strcmp(door->function, "gettimeofday");
	struct native_time time = { 0, 0 };

	if (is_day)
		raw6(NR_GETTIMEOFDAY, (long)&time, 0, 0, 0, 0, OURS);
	else
		raw6(NR_CLOCK_GETTIME, door->clock, (long)&time, 0, 0, 0, OURS);
	return time.sec * NS_PER_S + time.fraction * (is_day ? 1000 : 1);
}

int64_t ways_call(int clock)
{
	const struct ways_door door = { WAY_RAW, "clock_gettime", clock, 1 };

	return call(&door);
}

static enum ways_result day(long result, const struct timeval *day, int64_t *ns)
{
	*ns = day->tv_sec * NS_PER_S + day->tv_usec * 1000;
	return result ? WAYS_CALLED : WAYS_READ;
}

static enum ways_result seconds(time_t result, int64_t *ns)
{
	*ns = result * NS_PER_S;
	return result < 0 ? WAYS_CALLED : WAYS_READ;
}

static enum ways_result clock_value(long result, const struct timespec *now,
				    int64_t *ns)
{
	*ns = now->tv_sec * NS_PER_S + now->tv_nsec;
	return result ? WAYS_CALLED : WAYS_READ;
}

static enum ways_result read_libc(const struct ways_door *door, int64_t *ns)
{
	struct timespec now = { 0 };
	struct timeval today = { 0 };

	if (!strcmp(door->function, "time"))
		return seconds(time(NULL), ns);
	if (!strcmp(door->function, "gettimeofday"))
		return day(gettimeofday(&today, NULL), &today, ns);
	return clock_value(clock_gettime(door->clock, &now), &now, ns);
}

union function {
	void *symbol;
	time_t (*time)(time_t *);
	int (*gettimeofday)(struct timeval *, void *);
	int (*clock_gettime)(int, struct timespec *);
};

static enum ways_result read_image(const struct ways_door *door, int64_t *ns)
{
	const void *image = images[door->way];
	union function function;
	struct timespec now = { 0 };
	struct timeval today = { 0 };
	char name[32] = "__vdso_";

	if (!image && door->way == VDSO_BY_PRCTL && !prctl_is_there)
		return WAYS_NO_WAY;
	strcat(name, door->function);
	function.symbol = image ? vdso_symbol(image, name) : NULL;
	if (!function.symbol)
		return WAYS_ABSENT;
	if (!strcmp(door->function, "time"))
		return seconds(function.time(NULL), ns);
	if (!strcmp(door->function, "gettimeofday"))
		return day(function.gettimeofday(&today, NULL), &today, ns);
	return clock_value(function.clock_gettime(door->clock, &now), &now, ns);
}

enum ways_result ways_read(const struct ways_door *door, int64_t *ns)
{
	if (door->way < VDSO_WAYS)
		return read_image(door, ns);
	if (door->way == WAY_LIBC)
		return read_libc(door, ns);
	*ns = call(door);
	return WAYS_READ;
}
