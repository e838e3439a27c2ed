/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls without a C library, so that nothing stands between a probe and
 * the kernel, and the layouts that they fill in. musl has no kernel headers:
 * what is needed of them is written down here.
 *
 * raw_*() return what the kernel left in the register, errors included.
 */
#ifndef TIMENSBPF_TESTS_PROBES_RAW_H
#define TIMENSBPF_TESTS_PROBES_RAW_H

#include <stdint.h>

#if defined(__x86_64__)
#define NR_READ 0
#define NR_CLOCK_GETTIME 228
#define NR_CLOCK_GETRES 229
#define NR_GETTIMEOFDAY 96
#define NR_TIME 201
#define NR_ADJTIMEX 159
#define NR_CLOCK_ADJTIME 305
#define NR_CLOCK_SETTIME 227
#define NR_SETTIMEOFDAY 164
#define NR_GETCPU 309
#define NR_GETRANDOM 318
#define NR_BPF 321
#define NR_CLONE3 435

static inline long raw3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A 32-bit call from 64-bit code. Addresses must be below 4 GiB. */
static inline long raw_int80(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

/* No push: code without a frame keeps variables below the stack pointer. */
static inline long raw6_int80(long nr, long a, long b, long c, long d, long e,
			      long f)
{
	long ret;

	__asm__ volatile("xchg %%rbp, %1\n\t"
			 "int $0x80\n\t"
			 "xchg %%rbp, %1"
			 : "=a"(ret), "+r"(f)
			 : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}
#elif defined(__i386__)
#define NR_READ 3
#define NR_CLOCK_GETTIME 265
#define NR_CLOCK_GETRES 266
#define NR_GETTIMEOFDAY 78
#define NR_TIME 13
#define NR_ADJTIMEX 124
#define NR_CLOCK_ADJTIME 343
#define NR_CLOCK_SETTIME 264
#define NR_SETTIMEOFDAY 79
#define NR_GETCPU 318
#define NR_GETRANDOM 355
#define NR_BPF 357
#define NR_CLONE3 435

static inline long raw3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return ret;
}

/* The sixth is in ebp, which the compiler may need to find it by. */
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	__asm__ volatile("pushl %7\n\t"
			 "pushl %%ebp\n\t"
			 "movl 4(%%esp), %%ebp\n\t"
			 "int $0x80\n\t"
			 "popl %%ebp\n\t"
			 "addl $4, %%esp"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e),
			   "g"(f)
			 : "memory");
	return ret;
}
#else
#error "x86 only"
#endif

/* Numbers of the 32-bit table, for 32-bit code and int 0x80. */
#define NR32_TIME 13
#define NR32_STIME 25
#define NR32_GETTIMEOFDAY 78
#define NR32_SETTIMEOFDAY 79
#define NR32_ADJTIMEX 124
#define NR32_CLOCK_SETTIME 264
#define NR32_CLOCK_GETTIME 265
#define NR32_CLOCK_ADJTIME 343
#define NR32_CLOCK_GETTIME64 403
#define NR32_CLOCK_SETTIME64 404
#define NR32_CLOCK_ADJTIME64 405

enum {
	RAW_REALTIME = 0,
	RAW_MONOTONIC = 1,
	RAW_PROCESS_CPUTIME = 2,
	RAW_THREAD_CPUTIME = 3,
	RAW_MONOTONIC_RAW = 4,
	RAW_REALTIME_COARSE = 5,
	RAW_MONOTONIC_COARSE = 6,
	RAW_BOOTTIME = 7,
	RAW_REALTIME_ALARM = 8,
	RAW_BOOTTIME_ALARM = 9,
	RAW_TAI = 11,
	RAW_CLOCKS = 12,
	RAW_AUX_FIRST = 16,
	RAW_AUX_LAST = 23,
};

/* timespec or timeval of the native table: two registers wide. */
struct native_time {
	long sec;
	long fraction;
};

struct time32 {
	int32_t sec;
	int32_t fraction;
};

struct time64 {
	int64_t sec;
	int64_t fraction;
};

/* struct __kernel_timex: 64-bit calls and the time64 ones of 32 bits. */
struct timex64 {
	uint32_t modes;
	int32_t pad1;
	int64_t offset, freq, maxerror, esterror;
	int32_t status;
	int32_t pad2;
	int64_t constant, precision, tolerance;
	struct time64 time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift;
	int32_t pad3;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai;
	int32_t pad4[11];
};
_Static_assert(sizeof(struct timex64) == 208, "kernel ABI");

/* struct old_timex32 */
struct timex32 {
	uint32_t modes;
	int32_t offset, freq, maxerror, esterror;
	int32_t status, constant, precision, tolerance;
	struct time32 time;
	int32_t tick, ppsfreq, jitter, shift;
	int32_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai;
	int32_t pad[11];
};
_Static_assert(sizeof(struct timex32) == 128, "kernel ABI");

#if defined(__x86_64__)
typedef struct timex64 native_timex;
#else
typedef struct timex32 native_timex;
#endif

enum {
	TIMEX_ADJ_OFFSET = 0x0001,
	TIMEX_ADJ_FREQUENCY = 0x0002,
	TIMEX_ADJ_MAXERROR = 0x0004,
	TIMEX_ADJ_STATUS = 0x0010,
	TIMEX_ADJ_TIMECONST = 0x0020,
	TIMEX_ADJ_TAI = 0x0080,
	TIMEX_ADJ_SETOFFSET = 0x0100,
	TIMEX_ADJ_TICK = 0x4000,
	TIMEX_ADJ_OFFSET_SINGLESHOT = 0x8001,
	TIMEX_ADJ_OFFSET_SS_READ = 0xa001,
	TIMEX_STA_NANO = 0x2000,
};

#define NS_PER_S 1000000000LL

static inline int64_t native_ns(struct native_time time)
{
	return (int64_t)time.sec * NS_PER_S + time.fraction;
}

#endif
