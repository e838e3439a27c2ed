/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "budget.h"

#include "arch.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define BUDGET_SIGNAL SIGRTMIN
/* Again and again: the first signal may come just before the call that it is to
 * interrupt. */
#define BUDGET_AGAIN_NS 2000000L

static __thread timer_t budget_timer;
static __thread bool budget_timer_exists;
static __thread volatile sig_atomic_t budget_spent;

static void spend(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	budget_spent = 1;
	tnb_bounded_ptrace_end(context);
}

static int make_budget_timer(void)
{
	struct sigaction action = { .sa_sigaction = spend,
				    .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = BUDGET_SIGNAL };
	sigset_t set;

	event._sigev_un._tid = gettid();
	sigemptyset(&set);
	sigaddset(&set, BUDGET_SIGNAL);
	if (sigaction(BUDGET_SIGNAL, &action, NULL) ||
	    pthread_sigmask(SIG_UNBLOCK, &set, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &budget_timer))
		return -errno;
	budget_timer_exists = true;
	return 0;
}

int tnb_budget_begin(unsigned int ms)
{
	const struct itimerspec budget = {
		.it_value = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000L },
		.it_interval = { .tv_nsec = BUDGET_AGAIN_NS },
	};
	int err = budget_timer_exists ? 0 : make_budget_timer();

	budget_spent = 0;
	if (!err && timer_settime(budget_timer, 0, &budget, NULL))
		err = -errno;
	return err;
}

void tnb_budget_end(void)
{
	const struct itimerspec none = { 0 };

	if (budget_timer_exists)
		timer_settime(budget_timer, 0, &none, NULL);
}

void tnb_budget_free(void)
{
	if (budget_timer_exists)
		timer_delete(budget_timer);
	budget_timer_exists = false;
}

bool tnb_budget_is_spent(void)
{
	return budget_spent;
}
