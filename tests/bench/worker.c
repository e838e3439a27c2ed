/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_worker PROGRAM: makes the calls that it is asked for (ops.h), and tells
 * how long they took. PROGRAM is what SPAWN starts.
 *
 * The stop watch is the time stamp counter: no rule changes it, and reading it
 * is no call. Executed anew in each cgroup, so that its C library knows of the
 * vDSO only where a user's program would; static, so that a fork copies little.
 */
#define _GNU_SOURCE
#include "waits.h"

#include "../probes/raw.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define NR_GETPPID 110
/* The first calls after a change of the process fill caches again. */
#define WARM_UP 40

static char *spawned;

static void spawn(void)
{
	char *const argv[] = { spawned, NULL };
	pid_t child = fork();
	int status;

	if (!child) {
		execv(spawned, argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		exit(1);
}

/* One loop for each call: nothing but the call is in it. */
static int64_t make_calls(enum op op, uint32_t calls)
{
	struct native_time time = { 0, 0 };
	struct timespec libc_time = { 0, 0 };
	long arg = (long)&time, seconds = 0;

#define REPEAT(call)                         \
	for (uint32_t i = 0; i < calls; i++) \
	call
	switch (op) {
	case OP_YARDSTICK:
		REPEAT(raw3(NR_GETPPID, 0, 0, 0));
		return 0;
	case OP_RAW_MONOTONIC:
		REPEAT(raw3(NR_CLOCK_GETTIME, RAW_MONOTONIC, arg, 0));
		return native_ns(time);
	case OP_RAW_REALTIME:
		REPEAT(raw3(NR_CLOCK_GETTIME, RAW_REALTIME, arg, 0));
		return native_ns(time);
	case OP_RAW_GETTIMEOFDAY:
		REPEAT(raw3(NR_GETTIMEOFDAY, arg, 0, 0));
		return time.sec * NS_PER_S + time.fraction * 1000;
	case OP_RAW_TIME:
		REPEAT(seconds = raw3(NR_TIME, 0, 0, 0));
		return seconds * NS_PER_S;
	case OP_LIBC_MONOTONIC:
		REPEAT(clock_gettime(CLOCK_MONOTONIC, &libc_time));
		break;
	case OP_LIBC_REALTIME:
		REPEAT(clock_gettime(CLOCK_REALTIME, &libc_time));
		break;
	case OP_SPAWN:
		REPEAT(spawn());
		return 0;
	default:
		exit(2);
	}
	return libc_time.tv_sec * NS_PER_S + libc_time.tv_nsec;
}

static struct turn_reply take_turn(const struct turn_request *request)
{
	enum op op = (enum op)request->op;
	struct turn_reply reply;
	uint64_t begin;

	if (is_wait(op))
		return wait_turn(op, request->calls);
	if (op != OP_SPAWN)
		make_calls(op, WARM_UP);
	begin = __rdtsc();
	reply.value = make_calls(op, request->calls);
	reply.cycles = __rdtsc() - begin;
	return reply;
}

int main(int argc, char **argv)
{
	struct turn_request request;

	if (argc != 2)
		return 2;
	spawned = argv[1];
	while (read(STDIN_FILENO, &request, sizeof(request)) ==
	       (ssize_t)sizeof(request)) {
		struct turn_reply reply = take_turn(&request);

		if (write(STDOUT_FILENO, &reply, sizeof(reply)) !=
		    (ssize_t)sizeof(reply))
			return 1;
	}
	return 0;
}
