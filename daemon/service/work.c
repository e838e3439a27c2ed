/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "work.h"

#include "base/test_hooks.h"
#include "process/call.h"
#include "process/memory.h"

#include <stdlib.h>
#include <time.h>

/* How long a start may take where the process hardly gets a CPU: by then it
 * waits for that, and not for us. A loader that hangs is the guard's task. */
#define START_BUDGET_MS 5000

static void count_start(struct tnb_loader_state *state,
			const struct tnb_outcome *outcome)
{
	__u64 *counter = outcome->start == TNB_START_FAST
				 ? &state->fast
				 : &state->slow[outcome->why];

	if (outcome->start != TNB_START_FAILED && !outcome->is_counted)
		__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* It runs already. Its C library makes system calls, but code that looks for
 * the kernel's vDSO by itself finds that. */
static bool is_late(const struct tnb_outcome *outcome)
{
	return outcome->start == TNB_START_SLOW &&
	       outcome->why == TNB_SLOW_LATE;
}

static bool start(const struct tnb_work *work,
		  const struct tnb_loader_event *event)
{
	struct tnb_outcome outcome =
		tnb_start_program(work->injector, event, START_BUDGET_MS);

	count_start(work->injector->state, &outcome);
	if (is_late(&outcome) || outcome.is_later || outcome.has_no_pass)
		tnb_inbox_add(work->inbox, (pid_t)event->tgid);
	return outcome.start != TNB_START_STUCK;
}

/* For tests: a loader that is so many milliseconds late. */
static void be_late(void)
{
	const char *value = tnb_test_value("TIMENSBPF_TEST_DELAY_MS");
	long ms = value ? strtol(value, NULL, 10) : 0;
	const struct timespec delay = { .tv_sec = ms / 1000,
					.tv_nsec = ms % 1000 * 1000000 };

	if (ms)
		nanosleep(&delay, NULL);
}

bool tnb_work_do(const struct tnb_work *work,
		 const struct tnb_loader_event *event)
{
	be_late();
	switch (event->kind) {
	case TNB_EVENT_EXEC:
		return start(work, event);
	case TNB_EVENT_CALL:
		return tnb_call_complete(work->injector, event);
	case TNB_EVENT_MEMORY:
		tnb_memory_mend(work->injector->state, event);
		return true;
	default:
		return true;
	}
}
