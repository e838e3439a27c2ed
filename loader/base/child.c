/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* The least of `keep` that is not below `from`, or -1. */
static int next_kept(const int *keep, size_t count, int from)
{
	int next = -1;

	for (size_t i = 0; i < count; i++)
		if (keep[i] >= from && (next < 0 || keep[i] < next))
			next = keep[i];
	return next;
}

void tnb_child_keep_only(const int *keep, size_t count)
{
	int from = STDERR_FILENO + 1, kept;

	while ((kept = next_kept(keep, count, from)) >= 0) {
		if (kept > from)
			close_range((unsigned int)from, (unsigned int)kept - 1,
				    0);
		from = kept + 1;
	}
	close_range((unsigned int)from, UINT_MAX, 0);
}

/* Of the heartbeat, too (service/heartbeat.c). */
#define PRIORITY_MOST 2

static bool is_normal(int policy)
{
	switch (policy & ~SCHED_RESET_ON_FORK) {
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return true;
	default:
		return false;
	}
}

/* Without the right to it the fork has the priority that we have. */
pid_t tnb_child_fork(void)
{
	const struct sched_param most = { .sched_priority = PRIORITY_MOST };
	const struct sched_param none = { .sched_priority = 0 };
	int policy = sched_getscheduler(0), err;
	pid_t pid;

	if (policy < 0 || !is_normal(policy))
		return fork();
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &most);
	pid = fork();
	if (!pid)
		return 0;
	err = errno;
	sched_setscheduler(0, policy, &none);
	errno = err;
	return pid;
}

#define GIVEN_UP_MAX 64

static pid_t given_up[GIVEN_UP_MAX];

void tnb_child_give_up(pid_t pid)
{
	for (int i = 0; i < GIVEN_UP_MAX; i++) {
		pid_t none = 0;

		if (__atomic_compare_exchange_n(&given_up[i], &none, pid, false,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return;
	}
}

void tnb_child_reap_given_up(void)
{
	for (int i = 0; i < GIVEN_UP_MAX; i++) {
		pid_t pid = __atomic_load_n(&given_up[i], __ATOMIC_SEQ_CST);

		if (pid && waitpid(pid, NULL, WNOHANG))
			__atomic_compare_exchange_n(&given_up[i], &pid, 0,
						    false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
	}
}

void tnb_child_reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
