/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandboxed kill|errno [native]: forbids itself to read clocks by system call,
 * as programs do that read them through the vDSO, with "native" also all calls
 * of code that is not of its own kind, and reads all the time. Writes how far
 * CLOCK_REALTIME has moved against CLOCK_MONOTONIC since its beginning, in
 * hundreds of seconds, whenever that changes; "refused" if a reading failed,
 * "torn" if two ways to read the clock disagree.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define REFUSE(number)                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, verdict)

#ifdef __i386__
#define ARCH AUDIT_ARCH_I386
#else
#define ARCH AUDIT_ARCH_X86_64
#endif

static int forbid(unsigned int verdict, bool native)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, native ? verdict : SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		REFUSE(SYS_clock_gettime),
#ifdef SYS_clock_gettime64
		REFUSE(SYS_clock_gettime64),
#endif
		REFUSE(SYS_gettimeofday),
		REFUSE(SYS_time),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
				      filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

struct reading {
	long moved;
	int refused, torn;
};

static long distance(long a, long b)
{
	return a < b ? b - a : a - b;
}

/* The clock may move between two of them: then a second look agrees. */
static struct reading look(void)
{
	struct timespec real = { 0 }, mono = { 0 };
	struct timeval day = { 0 };
	struct reading reading = { 0 };

	for (int tries = 0; tries < 3; tries++) {
		reading.refused = clock_gettime(CLOCK_REALTIME, &real) ||
				  clock_gettime(CLOCK_MONOTONIC, &mono) ||
				  gettimeofday(&day, NULL);
		reading.torn = distance(real.tv_sec, day.tv_sec) > 50 ||
			       distance(real.tv_sec, time(NULL)) > 50;
		reading.moved = real.tv_sec - mono.tv_sec;
		if (!reading.torn)
			break;
	}
	return reading;
}

int main(int argc, char **argv)
{
	unsigned int verdict = SECCOMP_RET_KILL_PROCESS;
	struct reading first;
	long last = 1, now;

	if (argc > 1 && !strcmp(argv[1], "errno"))
		verdict = SECCOMP_RET_ERRNO | EPERM;
	first = look();
	if (forbid(verdict, argc > 2)) {
		perror("seccomp");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		struct reading reading = look();

		now = (reading.moved - first.moved + 1000000050) / 100 -
		      10000000;
		if (reading.refused || reading.torn) {
			puts(reading.refused ? "refused" : "torn");
			return 1;
		}
		if (now != last)
			printf("%ld\n", now);
		last = now;
	}
}
