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
static __thread volatile sig_atomic_t budget_spent, budget_extended;
static __thread long budget_extension_ms;

static int arm(long ms)
{
	const struct itimerspec budget = {
		.it_value = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000L },
		.it_interval = { .tv_nsec = BUDGET_AGAIN_NS },
	};

	return timer_settime(budget_timer, 0, &budget, NULL) ? -errno : 0;
}

/* The first time the budget is extended. */
static void spend(int number, siginfo_t *info, void *context)
{
	int err = errno;

	(void)number;
	(void)info;
	if (!budget_extended) {
		budget_extended = 1;
		if (!arm(budget_extension_ms))
			return;
		errno = err;
	}
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
	int err = budget_timer_exists ? 0 : make_budget_timer();

	if (err)
		return err;
	/* No signal may come in between. */
	tnb_budget_end();
	budget_spent = budget_extended = 0;
	budget_extension_ms = (long)ms / 2;
	return arm((long)ms);
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
