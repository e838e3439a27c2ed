/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "doors.h"

#include "raw.h"
#include "reference.h"
#include "vdso_lookup.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

#define UNIT_NS 1
#define UNIT_US 1000
#define UNIT_S NS_PER_S

/* What a door must return. */
enum wanted {
	WANT_AS_CLOCK, /* what clock_gettime of that clock returns outside */
	WANT_ZERO,
	WANT_TIMEX, /* what adjtimex returns outside: the clock's state */
	WANT_VALUE, /* the time itself */
};

struct reading {
	int64_t ns;
	int64_t ret;
};

struct door {
	const char *name;
	/* Returns false if there is no such door here. */
	bool (*read)(long arg, struct reading *reading);
	long arg;
	int clock; /* row of the reference */
	int64_t unit;
	enum wanted wanted;
};

struct result {
	const char *name; /* NULL: works[] */
	char text[200];
};

static struct result results[160];
static int results_count;
static int reference_fd = -1;
static char **start_environ;

/* ---- Native system calls ----------------------------------------------- */

static bool read_raw_clock(long clock, struct reading *reading)
{
	struct native_time time = { 0, 0 };

	reading->ret = raw3(NR_CLOCK_GETTIME, clock, (long)&time, 0);
	reading->ns = native_ns(time);
	return true;
}

static bool read_raw_gettimeofday(long arg, struct reading *reading)
{
	struct native_time time = { 0, 0 };

	(void)arg;
	reading->ret = raw3(NR_GETTIMEOFDAY, (long)&time, 0, 0);
	reading->ns = time.sec * NS_PER_S + time.fraction * UNIT_US;
	return true;
}

/* With a time zone as second argument. */
static bool read_raw_gettimeofday_zone(long arg, struct reading *reading)
{
	struct native_time time = { 0, 0 };
	int32_t zone[2] = { 0 };

	(void)arg;
	reading->ret = raw3(NR_GETTIMEOFDAY, (long)&time, (long)zone, 0);
	reading->ns = time.sec * NS_PER_S + time.fraction * UNIT_US;
	return true;
}

/* With one that cannot be written: the call fails after it has stored the time.
 */
static bool read_raw_gettimeofday_no_zone(long arg, struct reading *reading)
{
	struct native_time time = { 0, 0 };

	(void)arg;
	reading->ret = raw3(NR_GETTIMEOFDAY, (long)&time, 1, 0);
	reading->ret = reading->ret == -EFAULT ? 0 : -1;
	reading->ns = time.sec * NS_PER_S + time.fraction * UNIT_US;
	return true;
}

static bool read_raw_time(long arg, struct reading *reading)
{
	(void)arg;
	reading->ret = raw3(NR_TIME, 0, 0, 0);
	reading->ns = reading->ret * NS_PER_S;
	return true;
}

static bool read_raw_time_pointer(long arg, struct reading *reading)
{
	long stored = 0;

	(void)arg;
	reading->ret = raw3(NR_TIME, (long)&stored, 0, 0);
	reading->ns = stored * NS_PER_S;
	return true;
}

static int64_t timex_ns(int64_t sec, int64_t fraction, int32_t status)
{
	return sec * NS_PER_S +
	       fraction * (status & TIMEX_STA_NANO ? UNIT_NS : UNIT_US);
}

static bool read_raw_adjtimex(long arg, struct reading *reading)
{
	native_timex timex = { .modes = 0 };

	(void)arg;
	reading->ret = raw3(NR_ADJTIMEX, (long)&timex, 0, 0);
	reading->ns =
		timex_ns(timex.time.sec, timex.time.fraction, timex.status);
	return true;
}

static bool read_raw_clock_adjtime(long clock, struct reading *reading)
{
	native_timex timex = { .modes = 0 };

	reading->ret = raw3(NR_CLOCK_ADJTIME, clock, (long)&timex, 0);
	reading->ns =
		timex_ns(timex.time.sec, timex.time.fraction, timex.status);
	return true;
}

/* ---- The C library ----------------------------------------------------- */

static bool read_libc_clock(long clock, struct reading *reading)
{
	struct timespec time = { 0, 0 };

	reading->ret = clock_gettime((clockid_t)clock, &time);
	reading->ns = (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
	return true;
}

static bool read_libc_gettimeofday(long arg, struct reading *reading)
{
	struct timeval time = { 0, 0 };

	(void)arg;
	reading->ret = gettimeofday(&time, NULL);
	reading->ns = (int64_t)time.tv_sec * NS_PER_S + time.tv_usec * UNIT_US;
	return true;
}

static bool read_libc_time(long arg, struct reading *reading)
{
	time_t stored = 0;

	(void)arg;
	reading->ret = (int64_t)time(&stored);
	reading->ns = (int64_t)stored * NS_PER_S;
	return true;
}

/* ---- 32-bit calls ------------------------------------------------------ */

/* Memory that a 32-bit call can reach. */
static union low {
	struct time32 time32;
	struct time64 time64;
	struct timex32 timex32;
	struct timex64 timex64;
	int32_t seconds;
} * low;

#if defined(__x86_64__)
static sigjmp_buf no_int80;
static bool has_int80;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(no_int80, 1);
}

static void low_begin(void)
{
	struct sigaction fault = { .sa_handler = on_fault }, before;

	low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		return;
	/* A kernel without 32-bit emulation faults. */
	sigaction(SIGSEGV, &fault, &before);
	if (!sigsetjmp(no_int80, 1)) {
		raw_int80(NR32_TIME, 0, 0, 0);
		has_int80 = true;
	}
	sigaction(SIGSEGV, &before, NULL);
}

static bool call32(long nr, long a, long b, int64_t *ret)
{
	if (!has_int80)
		return false;
	*ret = raw_int80(nr, a, b, 0);
	return true;
}
#else
static union low low_memory;

static void low_begin(void)
{
	low = &low_memory;
}

static bool call32(long nr, long a, long b, int64_t *ret)
{
	*ret = raw3(nr, a, b, 0);
	return true;
}
#endif

static bool read_32_clock64(long clock, struct reading *reading)
{
	if (!call32(NR32_CLOCK_GETTIME64, clock, (long)low, &reading->ret))
		return false;
	reading->ns = low->time64.sec * NS_PER_S + low->time64.fraction;
	return true;
}

static bool read_32_clock_adjtime64(long clock, struct reading *reading)
{
	memset(low, 0, sizeof(*low));
	if (!call32(NR32_CLOCK_ADJTIME64, clock, (long)low, &reading->ret))
		return false;
	reading->ns = timex_ns(low->timex64.time.sec,
			       low->timex64.time.fraction, low->timex64.status);
	return true;
}

#if defined(__x86_64__)
/* In 32-bit code these are the native calls above. */
static bool read_32_clock(long clock, struct reading *reading)
{
	if (!call32(NR32_CLOCK_GETTIME, clock, (long)low, &reading->ret))
		return false;
	reading->ns = low->time32.sec * NS_PER_S + low->time32.fraction;
	return true;
}

static bool read_32_gettimeofday(long arg, struct reading *reading)
{
	(void)arg;
	if (!call32(NR32_GETTIMEOFDAY, (long)low, 0, &reading->ret))
		return false;
	reading->ns = low->time32.sec * NS_PER_S +
		      (int64_t)low->time32.fraction * UNIT_US;
	return true;
}

static bool read_32_time(long arg, struct reading *reading)
{
	(void)arg;
	if (!call32(NR32_TIME, 0, 0, &reading->ret))
		return false;
	reading->ns = reading->ret * NS_PER_S;
	return true;
}

static bool read_32_time_pointer(long arg, struct reading *reading)
{
	(void)arg;
	if (!call32(NR32_TIME, (long)low, 0, &reading->ret))
		return false;
	reading->ns = low->seconds * NS_PER_S;
	return true;
}

static bool read_32_adjtimex(long arg, struct reading *reading)
{
	(void)arg;
	memset(low, 0, sizeof(*low));
	if (!call32(NR32_ADJTIMEX, (long)low, 0, &reading->ret))
		return false;
	reading->ns = timex_ns(low->timex32.time.sec,
			       low->timex32.time.fraction, low->timex32.status);
	return true;
}

static bool read_32_clock_adjtime(long clock, struct reading *reading)
{
	memset(low, 0, sizeof(*low));
	if (!call32(NR32_CLOCK_ADJTIME, clock, (long)low, &reading->ret))
		return false;
	reading->ns = timex_ns(low->timex32.time.sec,
			       low->timex32.time.fraction, low->timex32.status);
	return true;
}
#endif

/* ---- The vsyscall page ------------------------------------------------- */

#if defined(__x86_64__)
#define VSYSCALL_GETTIMEOFDAY 0xffffffffff600000UL
#define VSYSCALL_TIME 0xffffffffff600400UL

static bool has_vsyscall;

static void vsyscall_begin(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vsyscall]"))
			has_vsyscall = true;
	if (maps)
		fclose(maps);
}

static bool read_vsyscall_gettimeofday(long arg, struct reading *reading)
{
	long (*call)(struct native_time *, void *) =
		(long (*)(struct native_time *, void *))VSYSCALL_GETTIMEOFDAY;
	struct native_time time = { 0, 0 };

	(void)arg;
	if (!has_vsyscall)
		return false;
	reading->ret = call(&time, NULL);
	reading->ns = time.sec * NS_PER_S + time.fraction * UNIT_US;
	return true;
}

static bool read_vsyscall_time(long arg, struct reading *reading)
{
	long (*call)(long *) = (long (*)(long *))VSYSCALL_TIME;
	long stored = 0;

	(void)arg;
	if (!has_vsyscall)
		return false;
	reading->ret = call(&stored);
	reading->ns = stored * NS_PER_S;
	return true;
}
#else
static void vsyscall_begin(void)
{
}
#endif

/* ---- The vDSO ---------------------------------------------------------- */

static const void *vdso_image[VDSO_WAYS];

static bool read_vdso_clock(long arg, struct reading *reading)
{
	int way = (int)(arg >> 8), clock = (int)(arg & 0xff);
	int (*call)(int, struct native_time *) = NULL;
	struct native_time time = { 0, 0 };
	void *symbol = vdso_image[way] ? vdso_symbol(vdso_image[way],
						     "__vdso_clock_gettime")
				       : NULL;

	if (!symbol)
		return false;
	memcpy(&call, &symbol, sizeof(call));
	reading->ret = call(clock, &time);
	reading->ns = native_ns(time);
	return true;
}

static bool read_vdso_gettimeofday(long arg, struct reading *reading)
{
	int (*call)(struct native_time *, void *) = NULL;
	struct native_time time = { 0, 0 };
	void *symbol = vdso_image[arg >> 8] ? vdso_symbol(vdso_image[arg >> 8],
							  "__vdso_gettimeofday")
					    : NULL;

	if (!symbol)
		return false;
	memcpy(&call, &symbol, sizeof(call));
	reading->ret = call(&time, NULL);
	reading->ns = time.sec * NS_PER_S + time.fraction * UNIT_US;
	return true;
}

static bool read_vdso_time(long arg, struct reading *reading)
{
	long (*call)(long *) = NULL;
	long stored = 0;
	void *symbol = vdso_image[arg >> 8] ? vdso_symbol(vdso_image[arg >> 8],
							  "__vdso_time")
					    : NULL;

	if (!symbol)
		return false;
	memcpy(&call, &symbol, sizeof(call));
	reading->ret = call(&stored);
	reading->ns = stored * NS_PER_S;
	return true;
}

/* ---- The table --------------------------------------------------------- */

#define CLOCK(prefix, function, name, clock, wanted)                      \
	{                                                                 \
		prefix "-" #name, function, clock, clock, UNIT_NS, wanted \
	}
#define CLOCKS_COMMON(prefix, function)                                       \
	CLOCK(prefix, function, realtime, RAW_REALTIME, WANT_AS_CLOCK),       \
		CLOCK(prefix, function, monotonic, RAW_MONOTONIC,             \
		      WANT_AS_CLOCK),                                         \
		CLOCK(prefix, function, monotonic_raw, RAW_MONOTONIC_RAW,     \
		      WANT_AS_CLOCK),                                         \
		CLOCK(prefix, function, realtime_coarse, RAW_REALTIME_COARSE, \
		      WANT_AS_CLOCK),                                         \
		CLOCK(prefix, function, monotonic_coarse,                     \
		      RAW_MONOTONIC_COARSE, WANT_AS_CLOCK),                   \
		CLOCK(prefix, function, boottime, RAW_BOOTTIME,               \
		      WANT_AS_CLOCK),                                         \
		CLOCK(prefix, function, tai, RAW_TAI, WANT_AS_CLOCK),         \
		CLOCK(prefix, function, process_cputime, RAW_PROCESS_CPUTIME, \
		      WANT_ZERO),                                             \
		CLOCK(prefix, function, thread_cputime, RAW_THREAD_CPUTIME,   \
		      WANT_ZERO)
/* The alarm clocks are refused where there is no suitable RTC. */
#define CLOCKS_ALL(prefix, function)                                        \
	CLOCKS_COMMON(prefix, function),                                    \
		CLOCK(prefix, function, realtime_alarm, RAW_REALTIME_ALARM, \
		      WANT_AS_CLOCK),                                       \
		CLOCK(prefix, function, boottime_alarm, RAW_BOOTTIME_ALARM, \
		      WANT_AS_CLOCK)
#define DAY(name, function, arg)                                      \
	{                                                             \
		name, function, arg, RAW_REALTIME, UNIT_US, WANT_ZERO \
	}
#define SECONDS(name, function, arg)                                         \
	{                                                                    \
		name, function, arg, RAW_REALTIME_COARSE, UNIT_S, WANT_VALUE \
	}
#define TIMEX(name, function)                                             \
	{                                                                 \
		name, function, RAW_REALTIME, RAW_REALTIME, 0, WANT_TIMEX \
	}
#define VDSO(way, prefix)                                           \
	{ prefix "-clock_gettime-realtime",                         \
	  read_vdso_clock,                                          \
	  (way) << 8 | RAW_REALTIME,                                \
	  RAW_REALTIME,                                             \
	  UNIT_NS,                                                  \
	  WANT_ZERO },                                              \
		{ prefix "-clock_gettime-monotonic",                \
		  read_vdso_clock,                                  \
		  (way) << 8 | RAW_MONOTONIC,                       \
		  RAW_MONOTONIC,                                    \
		  UNIT_NS,                                          \
		  WANT_ZERO },                                      \
		{ prefix "-clock_gettime-boottime",                 \
		  read_vdso_clock,                                  \
		  (way) << 8 | RAW_BOOTTIME,                        \
		  RAW_BOOTTIME,                                     \
		  UNIT_NS,                                          \
		  WANT_ZERO },                                      \
		DAY(prefix "-gettimeofday", read_vdso_gettimeofday, \
		    (way) << 8),                                    \
		SECONDS(prefix "-time", read_vdso_time, (way) << 8)

static const struct door quick_doors[] = {
	CLOCK("raw-clock_gettime", read_raw_clock, realtime, RAW_REALTIME,
	      WANT_ZERO),
	CLOCK("raw-clock_gettime", read_raw_clock, monotonic, RAW_MONOTONIC,
	      WANT_ZERO),
	CLOCK("raw-clock_gettime", read_raw_clock, boottime, RAW_BOOTTIME,
	      WANT_ZERO),
	DAY("raw-gettimeofday", read_raw_gettimeofday, 0),
	CLOCK("libc-clock_gettime", read_libc_clock, realtime, RAW_REALTIME,
	      WANT_ZERO),
	CLOCK("libc-clock_gettime", read_libc_clock, monotonic, RAW_MONOTONIC,
	      WANT_ZERO),
	CLOCK("libc-clock_gettime", read_libc_clock, boottime, RAW_BOOTTIME,
	      WANT_ZERO),
	DAY("libc-gettimeofday", read_libc_gettimeofday, 0),
};

static const struct door all_doors[] = {
	CLOCKS_ALL("raw-clock_gettime", read_raw_clock),
	DAY("raw-gettimeofday", read_raw_gettimeofday, 0),
	DAY("raw-gettimeofday-zone", read_raw_gettimeofday_zone, 0),
	DAY("raw-gettimeofday-no-zone", read_raw_gettimeofday_no_zone, 0),
	SECONDS("raw-time", read_raw_time, 0),
	SECONDS("raw-time-pointer", read_raw_time_pointer, 0),
	TIMEX("raw-adjtimex", read_raw_adjtimex),
	TIMEX("raw-clock_adjtime", read_raw_clock_adjtime),
	CLOCKS_COMMON("libc-clock_gettime", read_libc_clock),
	DAY("libc-gettimeofday", read_libc_gettimeofday, 0),
	SECONDS("libc-time", read_libc_time, 0),
#if defined(__x86_64__)
	CLOCKS_ALL("int80-clock_gettime", read_32_clock),
	CLOCKS_ALL("int80-clock_gettime64", read_32_clock64),
	DAY("int80-gettimeofday", read_32_gettimeofday, 0),
	SECONDS("int80-time", read_32_time, 0),
	SECONDS("int80-time-pointer", read_32_time_pointer, 0),
	TIMEX("int80-adjtimex", read_32_adjtimex),
	TIMEX("int80-clock_adjtime", read_32_clock_adjtime),
	TIMEX("int80-clock_adjtime64", read_32_clock_adjtime64),
	DAY("vsyscall-gettimeofday", read_vsyscall_gettimeofday, 0),
	SECONDS("vsyscall-time", read_vsyscall_time, 0),
#else
	CLOCKS_ALL("raw-clock_gettime64", read_32_clock64),
	TIMEX("raw-clock_adjtime64", read_32_clock_adjtime64),
#endif
	VDSO(VDSO_BY_GETAUXVAL, "vdso-getauxval"),
	VDSO(VDSO_BY_STACK, "vdso-stack"),
	VDSO(VDSO_BY_PROC_AUXV, "vdso-proc-auxv"),
	VDSO(VDSO_BY_PRCTL, "vdso-prctl-auxv"),
	VDSO(VDSO_BY_MAPPING, "vdso-mapping"),
};

/* ---- Results ----------------------------------------------------------- */

static const char *family_of(int clock)
{
	switch (clock) {
	case RAW_REALTIME:
	case RAW_REALTIME_COARSE:
	case RAW_REALTIME_ALARM:
	case RAW_TAI:
		return "realtime";
	case RAW_MONOTONIC:
	case RAW_MONOTONIC_RAW:
	case RAW_MONOTONIC_COARSE:
		return "monotonic";
	case RAW_BOOTTIME:
	case RAW_BOOTTIME_ALARM:
		return "boottime";
	default:
		return "cpu";
	}
}

/* For the child of a vfork too: snprintf of integers allocates nothing. */
static void format_ns(char *text, size_t size, int64_t ns)
{
	const char *sign = ns < 0 ? "-" : "";
	uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	snprintf(text, size, "%s%" PRIu64 ".%09" PRIu64, sign,
		 (uint64_t)(magnitude / NS_PER_S),
		 (uint64_t)(magnitude % NS_PER_S));
}

static struct result *next_result(const char *name)
{
	struct result *result = &results[results_count];

	if (results_count < (int)(sizeof(results) / sizeof(*results)) - 1)
		results_count++;
	result->name = name;
	return result;
}

static int64_t wanted_return(const struct door *door,
			     const struct reference *reference)
{
	if (door->wanted == WANT_AS_CLOCK)
		return reference->ret[door->clock];
	if (door->wanted == WANT_TIMEX)
		return reference->ret[REFERENCE_TIMEX];
	return 0;
}

/* Whole seconds are of the coarse clock or, in musl's time(3), of the fine one,
 * which is ahead of it by a tick, or more if one is late. */
static int clock_of_high_end(const struct door *door)
{
	return door->unit == UNIT_S ? RAW_REALTIME : door->clock;
}

static void collect(const struct door *door)
{
	struct reference before, after;
	struct reading reading = { 0, 0 };
	struct result *result = next_result(door->name);
	bool is_cpu = !strcmp(family_of(door->clock), "cpu");
	char value[32], low_end[32], high_end[32], wanted[32] = "value";

	reference_ask(reference_fd, &before);
	if (!door->read(door->arg, &reading)) {
		snprintf(result->text, sizeof(result->text), "absent");
		return;
	}
	reference_ask(reference_fd, &after);
	format_ns(value, sizeof(value), reading.ns);
	/* Nobody else has this CPU clock: it is small, that is all. */
	format_ns(low_end, sizeof(low_end),
		  is_cpu ? 0 : before.ns[door->clock]);
	format_ns(high_end, sizeof(high_end),
		  is_cpu ? 3600 * NS_PER_S : after.ns[clock_of_high_end(door)]);
	if (door->wanted != WANT_VALUE)
		snprintf(wanted, sizeof(wanted), "%" PRId64,
			 wanted_return(door, &before));
	snprintf(result->text, sizeof(result->text),
		 "%s %" PRId64 " %s %" PRId64 " %s %s %s", value, reading.ret,
		 family_of(door->clock),
		 door->unit ? door->unit : (int64_t)UNIT_US, low_end, high_end,
		 wanted);
}

static void works(const char *name, int64_t ns, int64_t ret)
{
	struct result *result = next_result(name);
	char value[32];

	format_ns(value, sizeof(value), ns);
	snprintf(result->text, sizeof(result->text), "%s %" PRId64, value, ret);
}

/* Neighbours in the vDSO and in the system call table: as outside. */
static void collect_works(void)
{
	static const int clocks[] = { RAW_REALTIME, RAW_MONOTONIC, RAW_BOOTTIME,
				      RAW_REALTIME_COARSE,
				      RAW_PROCESS_CPUTIME };
	static const char *const raw_names[] = { "works-raw-getres-realtime",
						 "works-raw-getres-monotonic",
						 "works-raw-getres-boottime",
						 "works-raw-getres-coarse",
						 "works-raw-getres-cputime" };
	static const char *const libc_names[] = { "works-libc-getres-realtime",
						  "works-libc-getres-monotonic",
						  "works-libc-getres-boottime",
						  "works-libc-getres-coarse",
						  "works-libc-getres-cputime" };
	struct native_time bad = { 0, 0 };
	int32_t zone[2] = { -1, -1 };
	unsigned int cpu = ~0u;
	char random[16];
	long ret;

	for (int i = 0; i < 5; i++) {
		struct native_time native = { 0, 0 };
		struct timespec time = { 0, 0 };

		ret = raw3(NR_CLOCK_GETRES, clocks[i], (long)&native, 0);
		works(raw_names[i], native_ns(native), ret);
		ret = clock_getres(clocks[i], &time);
		works(libc_names[i], time.tv_sec * NS_PER_S + time.tv_nsec,
		      ret);
	}
	ret = raw3(NR_GETCPU, (long)&cpu, 0, 0);
	works("works-raw-getcpu", cpu < 4096, ret);
	works("works-libc-getcpu", 0, sched_getcpu() >= 0);
	works("works-raw-getrandom", 0,
	      raw3(NR_GETRANDOM, (long)random, sizeof(random), 0));
	works("works-libc-getrandom", 0, getrandom(random, sizeof(random), 0));
	raw3(NR_GETTIMEOFDAY, 0, (long)zone, 0);
	works("works-zone", zone[0], zone[1]);
	/* Errors come back as they are, and nothing is written. */
	works("works-error-clock", native_ns(bad),
	      raw3(NR_CLOCK_GETTIME, 15, (long)&bad, 0));
	works("works-error-address", 0, raw3(NR_CLOCK_GETTIME, 0, 8, 0));
	works("works-error-null", 0, raw3(NR_GETTIMEOFDAY, 8, 0, 0));
	works("works-nothing-asked", 0, raw3(NR_GETTIMEOFDAY, 0, 0, 0));
}

void doors_begin(const char *reference_path, char **environ_at_start)
{
	reference_fd = reference_connect(reference_path);
	start_environ = environ_at_start;
}

static void collect_all(void)
{
	low_begin();
	vsyscall_begin();
	for (int way = 0; way < VDSO_WAYS; way++)
		vdso_image[way] = vdso_find(way, start_environ);
	for (size_t i = 0; i < sizeof(all_doors) / sizeof(*all_doors); i++)
		collect(&all_doors[i]);
	collect_works();
}

void doors_collect(enum door_set set)
{
	results_count = 0;
	if (set == DOORS_ALL) {
		collect_all();
		return;
	}
	for (size_t i = 0; i < sizeof(quick_doors) / sizeof(*quick_doors); i++)
		collect(&quick_doors[i]);
}

void doors_print(const char *prefix)
{
	for (int i = 0; i < results_count; i++)
		printf("%s%s%s %s\n", prefix ? prefix : "", prefix ? "/" : "",
		       results[i].name, results[i].text);
	fflush(stdout);
	results_count = 0;
}
