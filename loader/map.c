/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>

/* The least of real-time priorities: no ordinary thread preempts it. Where it
 * is refused, what is missed is counted as beside any other tool. */
struct turn {
	int policy;
	struct sched_param param;
};

static void turn_begin(struct turn *turn)
{
	const struct sched_param least = { .sched_priority = 1 };

	turn->policy = sched_getscheduler(0);
	if (turn->policy == SCHED_FIFO || turn->policy == SCHED_RR ||
	    sched_getparam(0, &turn->param) ||
	    sched_setscheduler(0, SCHED_FIFO, &least))
		turn->policy = -1;
}

static int turn_end(const struct turn *turn, int result)
{
	int saved = errno;

	if (turn->policy >= 0)
		sched_setscheduler(0, turn->policy, &turn->param);
	errno = saved;
	return result;
}

int tnb_map_lookup(int fd, const void *key, void *value)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_lookup_elem(fd, key, value));
}

int tnb_map_update(int fd, const void *key, const void *value)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_update_elem(fd, key, value, BPF_ANY));
}

int tnb_map_delete(int fd, const void *key)
{
	struct turn turn;

	turn_begin(&turn);
	return turn_end(&turn, bpf_map_delete_elem(fd, key));
}
