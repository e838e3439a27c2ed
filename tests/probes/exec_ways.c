/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_ways NANOSECONDS: started by exec_storm, with CLOCK_REALTIME of its
 * parent. Reads all clocks of a rule by each of ways.h, each reading between
 * two system calls.
 *
 * Ends with 0: all are right, and no system call was made for them. 1: all are
 * right, one was absent or made a system call. 2: one is wrong. Unless 0, tells
 * the first, and as which process.
 */
#define _GNU_SOURCE
#include "raw.h"
#include "ways.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAST = 0, SLOW = 1, WRONG = 2 };
#define HOUR_NS (3600 * NS_PER_S)

extern char **environ;

static int worst = FAST;

/* The first of each verdict */
static int tell(const struct ways_door *door, int verdict, const char *what)
{
	if (verdict > worst)
		fprintf(stderr, "exec_ways %d: %s %s %d: %s\n", getpid(),
			ways_name(door->way), door->function, door->clock,
			what);
	return verdict;
}

static int judge_value(const struct ways_door *door, int64_t before,
		       int64_t value, int64_t after)
{
	char text[128];

	/* Whole seconds are of the coarse clock, which is a tick behind. */
	if (door->unit_ns == NS_PER_S)
		before -= NS_PER_S;
	if (value > before - door->unit_ns && value <= after)
		return FAST;
	snprintf(text, sizeof(text),
		 "%" PRId64 " is not in %" PRId64 "..%" PRId64, value, before,
		 after);
	return tell(door, WRONG, text);
}

static int judge(const struct ways_door *door)
{
	int64_t before = ways_call(door->clock), value = 0;

	switch (ways_read(door, &value)) {
	case WAYS_READ:
		return judge_value(door, before, value, ways_call(door->clock));
	case WAYS_NO_WAY:
		return FAST;
	case WAYS_ABSENT:
		return tell(door, SLOW, "absent");
	default:
		return tell(door, SLOW, "a system call");
	}
}

int main(int argc, char **argv)
{
	int64_t parent = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;
	int64_t begin = ways_call(RAW_REALTIME);
	const struct ways_door *door;

	ways_begin(environ);
	if (begin < parent || begin > parent + HOUR_NS) {
		fprintf(stderr, "exec_ways %d: %" PRId64 " after %" PRId64 "\n",
			getpid(), begin, parent);
		return WRONG;
	}
	if (!ways_forbid_calls()) {
		perror("exec_ways: seccomp");
		return WRONG;
	}
	for (unsigned int i = 0; (door = ways_door(i)); i++) {
		int verdict = judge(door);

		if (verdict > worst)
			worst = verdict;
	}
	return worst;
}
