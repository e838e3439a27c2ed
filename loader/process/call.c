/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf/read/call.bpf.h keeps a thread at the end of a system call, or tells that
 * it is there. It is stopped before it runs in user mode, its result is
 * changed, and it is let go of.
 *
 * Every value that is set is that of now, so that a call may be completed
 * twice, and late, as long as its thread has not left it. No other register is
 * touched.
 */
#define _GNU_SOURCE
#include "call.h"

#include "base/clock.h"
#include "base/proc.h"
#include "inject/budget.h"
#include "inject/restart.h"
#include "rules/channel.h"

#include <abi/latch.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A bound for what never happens, as that of a start. */
#define BUDGET_MS 1000
/* A thread that is held no more is long gone after this. */
#define LATE_NS 100000000ULL
/* Of times(2): USER_HZ of the kernel (include/asm-generic/param.h). */
#define TICK_NSEC 10000000LL

/* ---- The values ---------------------------------------------------------- */

static int virtual_now(const struct tnb_injector *injector,
		       const struct tnb_loader_event *event, clockid_t clock,
		       struct tnb_time *host, struct tnb_time *virtual)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return -errno;
	*host = (struct tnb_time){ now.tv_sec, (__u32)now.tv_nsec };
	*virtual = *host;
	return tnb_page_read(&injector->pages[event->slot],
			     tnb_family_of((__u32)clock), virtual)
		       ? -EAGAIN
		       : 0;
}

/* The kernel's time(2) has the clock of the last tick, too. */
static int answer_time(const struct tnb_injector *injector,
		       struct tnb_tracee *tracee,
		       const struct tnb_loader_event *event,
		       const struct tnb_call_end *end)
{
	struct tnb_time host, now;
	int err = virtual_now(injector, event, CLOCK_REALTIME_COARSE, &host,
			      &now);

	if (!err && end->compat)
		now.sec = (__s32)now.sec;
	if (!err && end->argument) {
		err = tnb_tracee_open(tracee);
		/* In 32 bits the first bytes, which are the low ones. */
		if (!err)
			err = tnb_tracee_write(tracee, end->argument, &now.sec,
					       end->compat ? sizeof(__s32)
							   : sizeof(__s64));
	}
	return err ? err : tnb_call_end_set(tracee->tid, now.sec);
}

/* Ticks since an arbitrary point, which follow CLOCK_MONOTONIC. */
static int answer_times(const struct tnb_injector *injector,
			const struct tnb_tracee *tracee,
			const struct tnb_loader_event *event)
{
	struct tnb_time host, now;
	int err = virtual_now(injector, event, CLOCK_MONOTONIC, &host, &now);
	__s64 ticks;

	if (err)
		return err;
	now = tnb_time_sub(now, host);
	ticks = now.sec * (TNB_NSEC_PER_SEC / TICK_NSEC) + now.nsec / TICK_NSEC;
	return tnb_call_end_set(tracee->tid, syscall(SYS_times, NULL) + ticks);
}

/* ---- A stopped thread ---------------------------------------------------- */

static bool is_end_of(const struct tnb_call_end *end,
		      const struct tnb_loader_event *event)
{
	return end->call == event->call && end->compat == event->compat &&
	       end->pc == event->pc && end->sp == event->sp &&
	       end->result == event->result;
}

/*
 * What is done with the thread. Where the call has a number, the registers
 * alone tell: a thread that has given up may be in its next time(2) by now,
 * which is completed as well.
 */
static int task_of(const struct tnb_call_end *end,
		   const struct tnb_loader_event *event)
{
	if (event->task == TNB_CALL_AGAIN || event->call == TNB_CALL_NONE)
		return is_end_of(end, event) ? (int)event->task : -ENOENT;
	if (end->result == -EFAULT)
		return -ENOENT;
	switch (tnb_call_end_number(end)) {
	case SYS_time:
		return TNB_CALL_TIME;
	case SYS_times:
		return TNB_CALL_TIMES;
	default:
		return -ENOENT;
	}
}

/*
 * -ENOENT: it is not at the end of such a call, or of another one than the
 * event told of. A thread that has given up may have returned from that; its
 * next one is completed as well, and is not counted for it.
 */
static int finish(const struct tnb_injector *injector,
		  struct tnb_tracee *tracee,
		  const struct tnb_loader_event *event)
{
	struct tnb_call_end end;
	int err = tnb_call_end_get(tracee->tid, &end);

	if (err)
		return err;
	switch (task_of(&end, event)) {
	case TNB_CALL_TIME:
		err = answer_time(injector, tracee, event, &end);
		break;
	case TNB_CALL_TIMES:
		err = answer_times(injector, tracee, event);
		break;
	case TNB_CALL_AGAIN:
		return tnb_call_end_again(tracee->tid);
	default:
		(void)!tnb_restart_interrupted(tracee);
		return -ENOENT;
	}
	return err || end.result == event->result ? err : -ENOENT;
}

static enum tnb_call_outcome outcome_of(int err)
{
	switch (err) {
	case 0:
		return TNB_CALL_COMPLETED;
	case -ESRCH:
		return TNB_CALL_GONE;
	case -ENOENT:
		return TNB_CALL_LATE;
	default:
		return TNB_CALL_REFUSED;
	}
}

/* ---- All of it ----------------------------------------------------------- */

/* It is not counted: another thread of ours completes the call. */
#define NOT_OURS TNB_CALL_OUTCOME_MAX

/* Tracing it is refused for a thread that has ended, too. */
static enum tnb_call_outcome why_forbidden(const struct tnb_loader_event *event)
{
	pid_t tracer = tnb_proc_tracer((pid_t)event->tid);

	if (tracer <= 0)
		return tracer ? TNB_CALL_GONE : TNB_CALL_REFUSED;
	return tnb_proc_first(tracer) == getpid() ? NOT_OURS : TNB_CALL_TRACED;
}

static bool is_too_late(const struct tnb_injector *injector,
			const struct tnb_loader_event *event)
{
	return tnb_clock_now() - event->when_ns > LATE_NS &&
	       !(event->hold &&
		 tnb_channel_waits(injector->state, event->hold));
}

/* Whether it was held until now. If it has given up, it is on its way out,
 * where we find it, or has returned. */
static bool answer(const struct tnb_injector *injector,
		   const struct tnb_loader_event *event,
		   enum tnb_hold_state state)
{
	return event->hold &&
	       tnb_channel_answer(injector->state, event->hold, state);
}

/* A thread that has ended may have returned from the call before, with the
 * host's value, unless it was held. */
static enum tnb_call_outcome judge_gone(enum tnb_call_outcome outcome,
					bool was_held)
{
	return outcome == TNB_CALL_GONE && !was_held ? TNB_CALL_LATE : outcome;
}

/* From now on the thread does not run in user mode, or is none of ours. */
static void end_seizing(const struct tnb_injector *injector)
{
	__atomic_sub_fetch(&injector->state->seizing, 1, __ATOMIC_SEQ_CST);
}

/* 0, -ETIMEDOUT: it does not stop. */
static int work_on(const struct tnb_injector *injector,
		   struct tnb_tracee *tracee,
		   const struct tnb_loader_event *event,
		   enum tnb_call_outcome *outcome)
{
	int err = tnb_tracee_wait(tracee);

	*outcome = outcome_of(err);
	if (err)
		return err == -ESRCH ? 0 : -ETIMEDOUT;
	*outcome = outcome_of(finish(injector, tracee, event));
	return tnb_tracee_detach(tracee) == -ETIMEDOUT ? -ETIMEDOUT : 0;
}

static int complete(const struct tnb_injector *injector,
		    const struct tnb_loader_event *event,
		    enum tnb_call_outcome *outcome)
{
	struct tnb_tracee tracee;
	bool was_held;
	int err;

	*outcome = TNB_CALL_LATE;
	if (is_too_late(injector, event)) {
		end_seizing(injector);
		return 0;
	}
	err = tnb_tracee_seize((pid_t)event->tid, (pid_t)event->tgid, &tracee,
			       BUDGET_MS);
	end_seizing(injector);
	was_held = answer(injector, event,
			  err ? TNB_HOLD_REFUSED : TNB_HOLD_TAKEN);
	if (!err)
		err = work_on(injector, &tracee, event, outcome);
	else
		*outcome = err == -EPERM ? why_forbidden(event)
					 : outcome_of(err);
	*outcome = judge_gone(*outcome, was_held);
	return err == -ETIMEDOUT ? err : 0;
}

bool tnb_call_complete(const struct tnb_injector *injector,
		       const struct tnb_loader_event *event)
{
	enum tnb_call_outcome outcome;
	int err = complete(injector, event, &outcome);

	tnb_budget_end();
	if (outcome != NOT_OURS)
		__atomic_add_fetch(&injector->state->call[outcome], 1,
				   __ATOMIC_RELAXED);
	return !err;
}
