/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

void tnb_thread_begin(const char *name, int priority)
{
	const struct sched_param param = { .sched_priority = priority };
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, name);
	if (priority)
		sched_setscheduler(0, SCHED_FIFO, &param);
}

void tnb_thread_bind(unsigned int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}
