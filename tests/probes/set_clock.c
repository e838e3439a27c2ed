/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_clock: tries every way to set the host's clock, a line each:
 *   NAME ERRNO, where ERRNO is "ok" if it was let through and "absent" if there
 *   is no such way here.
 * "reading-…" are calls of the same functions that only read.
 */
#define _GNU_SOURCE
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void report(const char *name, long ret)
{
	static const struct {
		long value;
		const char *name;
	} errors[] = { { -EPERM, "EPERM" },   { -EINVAL, "EINVAL" },
		       { -EFAULT, "EFAULT" }, { -ENOSYS, "ENOSYS" },
		       { -ENODEV, "ENODEV" }, { -EOPNOTSUPP, "EOPNOTSUPP" },
		       { -EACCES, "EACCES" }, { -ENOTTY, "ENOTTY" } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].value == ret) {
			printf("%s %s\n", name, errors[i].name);
			return;
		}
	if (ret < 0)
		printf("%s error%ld\n", name, -ret);
	else
		printf("%s ok\n", name);
}

struct adjustment {
	const char *name;
	uint32_t modes;
	int64_t value;
};

/* All of them small, should one get through. */
static const struct adjustment adjustments[] = {
	{ "offset", TIMEX_ADJ_OFFSET, 1000 },
	{ "frequency", TIMEX_ADJ_FREQUENCY, 1 << 16 },
	{ "maxerror", TIMEX_ADJ_MAXERROR, 1000 },
	{ "status-leap", TIMEX_ADJ_STATUS, 0x10 },
	{ "timeconst", TIMEX_ADJ_TIMECONST, 3 },
	{ "tai", TIMEX_ADJ_TAI, 37 },
	{ "setoffset", TIMEX_ADJ_SETOFFSET, 1 },
	{ "tick", TIMEX_ADJ_TICK, 10001 },
	{ "singleshot", TIMEX_ADJ_OFFSET_SINGLESHOT, 1000 },
};
#define ADJUSTMENTS (sizeof(adjustments) / sizeof(*adjustments))

#define DEFINE_FILL(type)                                            \
	static void fill_##type(struct type *timex,                  \
				const struct adjustment *adjustment) \
	{                                                            \
		memset(timex, 0, sizeof(*timex));                    \
		timex->modes = adjustment->modes;                    \
		timex->offset = adjustment->value;                   \
		timex->freq = adjustment->value;                     \
		timex->maxerror = adjustment->value;                 \
		timex->status = (int32_t)adjustment->value;          \
		timex->constant = adjustment->value;                 \
		timex->tick = adjustment->value;                     \
		timex->time.sec = 1;                                 \
	}
DEFINE_FILL(timex64)
DEFINE_FILL(timex32)

#if defined(__x86_64__)
#define fill_native fill_timex64
#else
#define fill_native fill_timex32
#endif

static void try_adjustments(void)
{
	char name[64];

	for (size_t i = 0; i < ADJUSTMENTS; i++) {
		native_timex timex;

		fill_native(&timex, &adjustments[i]);
		snprintf(name, sizeof(name), "adjtimex-%s",
			 adjustments[i].name);
		report(name, raw3(NR_ADJTIMEX, (long)&timex, 0, 0));
		fill_native(&timex, &adjustments[i]);
		snprintf(name, sizeof(name), "clock_adjtime-%s",
			 adjustments[i].name);
		report(name,
		       raw3(NR_CLOCK_ADJTIME, RAW_REALTIME, (long)&timex, 0));
	}
}

static void try_settime(void)
{
	struct native_time time = { 0, 0 };
	int32_t zone[2] = { 0, 0 };

	raw3(NR_CLOCK_GETTIME, RAW_REALTIME, (long)&time, 0);
	report("clock_settime",
	       raw3(NR_CLOCK_SETTIME, RAW_REALTIME, (long)&time, 0));
	time.fraction = 0;
	report("settimeofday", raw3(NR_SETTIMEOFDAY, (long)&time, 0, 0));
	report("settimeofday-zone", raw3(NR_SETTIMEOFDAY, 0, (long)zone, 0));
	report("settimeofday-both",
	       raw3(NR_SETTIMEOFDAY, (long)&time, (long)zone, 0));
}

/* The 32-bit table: `call` is int 0x80 in 64-bit code too. */
union low {
	struct time32 time32;
	struct time64 time64;
	struct timex32 timex32;
	struct timex64 timex64;
	int32_t seconds;
};

static void try_table32(long (*call)(long, long, long, long), union low *low)
{
	const struct adjustment *step = &adjustments[6];
	struct time64 now;

	call(NR32_CLOCK_GETTIME64, RAW_REALTIME, (long)low, 0);
	now = low->time64;
	report("table32-clock_settime64",
	       call(NR32_CLOCK_SETTIME64, RAW_REALTIME, (long)low, 0));
	low->time32.sec = (int32_t)now.sec;
	low->time32.fraction = 0;
	report("table32-clock_settime",
	       call(NR32_CLOCK_SETTIME, RAW_REALTIME, (long)low, 0));
	report("table32-settimeofday",
	       call(NR32_SETTIMEOFDAY, (long)low, 0, 0));
	report("table32-stime", call(NR32_STIME, (long)low, 0, 0));
	fill_timex32(&low->timex32, step);
	report("table32-adjtimex", call(NR32_ADJTIMEX, (long)low, 0, 0));
	fill_timex32(&low->timex32, step);
	report("table32-clock_adjtime",
	       call(NR32_CLOCK_ADJTIME, RAW_REALTIME, (long)low, 0));
	fill_timex64(&low->timex64, step);
	report("table32-clock_adjtime64",
	       call(NR32_CLOCK_ADJTIME64, RAW_REALTIME, (long)low, 0));
}

static void try_auxiliary(void)
{
	struct native_time time = { 1000, 0 };
	char name[64];

	for (int clock = RAW_AUX_FIRST; clock <= RAW_AUX_LAST; clock++) {
		native_timex timex;

		snprintf(name, sizeof(name), "aux%d-clock_settime",
			 clock - RAW_AUX_FIRST);
		report(name, raw3(NR_CLOCK_SETTIME, clock, (long)&time, 0));
		fill_native(&timex, &adjustments[1]);
		snprintf(name, sizeof(name), "aux%d-clock_adjtime",
			 clock - RAW_AUX_FIRST);
		report(name, raw3(NR_CLOCK_ADJTIME, clock, (long)&timex, 0));
	}
}

/* Sets what it has just read. */
static void try_rtc(void)
{
	struct rtc_time time;
	int fd = open("/dev/rtc0", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RTC_RD_TIME, &time)) {
		printf("rtc-set_time absent\n");
	} else {
		int ret = ioctl(fd, RTC_SET_TIME, &time);

		report("rtc-set_time", ret ? -errno : 0);
	}
	if (fd >= 0)
		close(fd);
}

static void try_reading(void)
{
	native_timex timex = { .modes = 0 };

	report("reading-adjtimex", raw3(NR_ADJTIMEX, (long)&timex, 0, 0));
	timex.modes = TIMEX_ADJ_OFFSET_SS_READ;
	report("reading-adjtimex-singleshot",
	       raw3(NR_ADJTIMEX, (long)&timex, 0, 0));
	timex.modes = 0;
	report("reading-clock_adjtime",
	       raw3(NR_CLOCK_ADJTIME, RAW_REALTIME, (long)&timex, 0));
}

int main(void)
{
	try_settime();
	try_adjustments();
#if defined(__x86_64__)
	union low *low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		return 1;
	try_table32(raw_int80, low);
#else
	union low memory;

	try_table32(raw3, &memory);
#endif
	try_auxiliary();
	try_rtc();
	try_reading();
	return 0;
}
