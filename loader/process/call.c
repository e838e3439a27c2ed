/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf/read/call.bpf.h keeps a thread at the end of a system call, or tells that
 * it is there. It is stopped before it runs in user mode, its result is
 * changed, and it is let go of.
 *
 * Every value that is set is that of now, so that a call may be completed
 * twice, and late, as long as its thread has not left it. The same is true of
 * calls that are made again: they read a clock, or wait until a time. No other
 * register is touched.
 */
#define _GNU_SOURCE
#include "call.h"

#include "base/clock.h"
#include "base/maps.h"
#include "base/proc.h"
#include "inject/budget.h"
#include "inject/restart.h"
#include "memory.h"
#include "rules/channel.h"

#include <abi/latch.h>
#include <abi/tables/waits.h>
#include <errno.h>
#include <string.h>
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
	return tnb_page_read(tnb_pages_at(injector->pages, event->slot),
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
	/* In 32 bits the first bytes, which are the low ones. */
	if (!err && end->argument &&
	    !tnb_memory_write(tracee->tid, end->argument, &now.sec,
			      end->compat ? sizeof(__s32) : sizeof(__s64)))
		err = -EFAULT;
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

/* ---- Calls that are made again ------------------------------------------- */

/* A wait whose time was over by the host's clock says so. */
static bool is_over(const struct tnb_call_end *end, long number)
{
	return number == SYS_clock_nanosleep ? !end->result
					     : (int)end->result == -ETIMEDOUT;
}

/* As the kernel itself answers a signal in this wait. */
static enum tnb_again wait_again(const struct tnb_call_end *end, long number)
{
	return number == SYS_clock_nanosleep || number == SYS_futex ||
			       tnb_call_end_is_with_rest(end)
		       ? TNB_AGAIN_NOT
		       : TNB_AGAIN_IF_ASKED;
}

/*
 * What was waited for may have come, which no time changes, and so may an
 * error: both are returned. What the kernel would go on to wait for with the
 * same time is made again from its beginning.
 */
static int repeat_wait(pid_t tid, const struct tnb_call_end *end)
{
	long number = tnb_call_end_number(end);

	switch (number) {
	case SYS_timerfd_settime:
	case SYS_timer_settime:
		return end->result ? 0
				   : tnb_call_end_again(tid, TNB_AGAIN_ALWAYS);
	case SYS_clock_nanosleep:
	case SYS_futex:
	case SYS_futex_waitv:
	case TNB_NR(futex_wait):
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
		break;
	default:
		return -ENOENT;
	}
	if (!is_over(end, number) && !tnb_call_end_is_with_rest(end))
		return 0;
	return tnb_call_end_again(tid, wait_again(end, number));
}

/* A read returns nothing that another would not. */
static int repeat_read(pid_t tid, const struct tnb_call_end *end)
{
	switch (tnb_call_end_number(end)) {
	case SYS_clock_gettime:
	case SYS_gettimeofday:
		return end->result ? 0
				   : tnb_call_end_again(tid, TNB_AGAIN_ALWAYS);
	default:
		return -ENOENT;
	}
}

/* ---- Memory that is stuck ------------------------------------------------ */

/* While another thread of the process is within a fork, which may have to go on
 * first, nothing is put back. */
#define SETTLE_LOOKS 300
#define SETTLE_EVERY_NS 1000000L

static bool is_settled(const struct tnb_loader_event *event)
{
	char now[sizeof(event->bytes)];

	return event->size <= sizeof(now) && tnb_memory_read(event, now) &&
	       memcmp(now, event->bytes, event->size) != 0;
}

/* Of a stopped thread. */
static bool touch_stopped(const struct tnb_loader_event *event)
{
	return tnb_maps_is_of_kernel((int)event->tid, event->address) &&
	       tnb_memory_touch(event);
}

/* Its next stop, before it runs in user mode. */
static int stop_again(struct tnb_tracee *tracee)
{
	int err = tnb_tracee_interrupt(tracee);

	if (!err)
		err = tnb_tracee_continue(tracee);
	return err ? err : tnb_tracee_wait(tracee);
}

/* Each stop of the thread calls the scheduler, whose program tries to put
 * memory back (bpf/wait/deadline_restore.bpf.c). */
static int settle(struct tnb_tracee *tracee,
		  const struct tnb_loader_event *event)
{
	const struct timespec pause = { .tv_nsec = SETTLE_EVERY_NS };
	int err = tnb_restart_interrupted(tracee);

	for (int i = 0; !err && i < SETTLE_LOOKS; i++) {
		if (is_settled(event))
			return 0;
		nanosleep(&pause, NULL);
		/* Another fork may have taken the page again. */
		(void)!touch_stopped(event);
		err = stop_again(tracee);
	}
	return err ? err : -ETIME;
}

/* ---- Any task ------------------------------------------------------------ */

/* A call that is none of these is left as a stop for nothing leaves it. */
static int repeat(struct tnb_tracee *tracee, const struct tnb_call_end *end,
		  const struct tnb_loader_event *event)
{
	int err;

	if (event->task == TNB_CALL_SETTLE)
		return settle(tracee, event);
	err = event->task == TNB_CALL_READ ? repeat_read(tracee->tid, end)
					   : repeat_wait(tracee->tid, end);

	if (err == -ENOENT)
		(void)!tnb_restart_interrupted(tracee);
	return err;
}

static bool is_again(const struct tnb_loader_event *event)
{
	return event->task == TNB_CALL_READ || event->task == TNB_CALL_WAIT ||
	       event->task == TNB_CALL_SETTLE;
}

/* ---- A stopped thread ---------------------------------------------------- */

static bool is_end_of(const struct tnb_call_end *end,
		      const struct tnb_loader_event *event)
{
	return end->call == event->call && end->compat == event->compat &&
	       end->pc == event->pc && end->sp == event->sp &&
	       (is_again(event) || end->result == event->result);
}

/*
 * What is done with the thread. Where the call has a number, the registers
 * alone tell: a thread that has given up may be in its next time(2) by now,
 * which is completed as well.
 */
static int task_of(const struct tnb_call_end *end,
		   const struct tnb_loader_event *event)
{
	if (is_again(event) || event->call == TNB_CALL_NONE)
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
 * A thread that has given up may be in a call after the one that the event told
 * of, and in another rule by now. Its process' leaving has revoked the pass
 * then. Whatever else was revoked meanwhile, the other call has an event of its
 * own. (A call that is made again has the time of the rule in which it is
 * made.)
 */
static bool may_have_moved(const struct tnb_injector *injector,
			   const struct tnb_loader_event *event)
{
	return tnb_load_acquire(tnb_pages_at(injector->pages, event->slot)
					->revocations) != event->revocations;
}

static int answer_call(const struct tnb_injector *injector,
		       struct tnb_tracee *tracee,
		       const struct tnb_loader_event *event,
		       const struct tnb_call_end *end, int task)
{
	return task == TNB_CALL_TIME ? answer_time(injector, tracee, event, end)
				     : answer_times(injector, tracee, event);
}

/* Once. -EALREADY: it was done for an event before. -ENOENT: it is done, and
 * was not known, so that it may be done again. */
static int answer_once(const struct tnb_injector *injector,
		       struct tnb_tracee *tracee,
		       const struct tnb_loader_event *event,
		       const struct tnb_call_end *end, int task)
{
	struct tnb_caller *caller =
		&injector->state->caller[tnb_caller_index(event->tid)];
	__u64 call = tnb_load_acquire(caller->begun);
	bool is_known = tnb_caller_tid(call) == event->tid;
	int err;

	if (is_known && caller->completed == call)
		return -EALREADY;
	err = answer_call(injector, tracee, event, end, task);
	if (!err && is_known)
		tnb_store_release(caller->completed, call);
	return err || is_known ? err : -ENOENT;
}

/*
 * -ENOENT: it is not at the end of such a call. A thread that has given up may
 * have returned from the one that the event told of; its next one is completed
 * as well.
 */
static int finish(const struct tnb_injector *injector,
		  struct tnb_tracee *tracee,
		  const struct tnb_loader_event *event, bool was_held)
{
	struct tnb_call_end end;
	int task, err = tnb_call_end_get(tracee->tid, &end);

	if (err)
		return err;
	task = was_held || is_again(event) || !may_have_moved(injector, event)
		       ? task_of(&end, event)
		       : -ENOENT;
	switch (task) {
	case TNB_CALL_TIME:
	case TNB_CALL_TIMES:
		return answer_once(injector, tracee, event, &end, task);
	case TNB_CALL_READ:
	case TNB_CALL_WAIT:
	case TNB_CALL_SETTLE:
		return repeat(tracee, &end, event);
	default:
		(void)!tnb_restart_interrupted(tracee);
		return -ENOENT;
	}
}

/* It is not counted: another event of ours completes the call, or has. */
#define NOT_OURS TNB_CALL_OUTCOME_MAX

static enum tnb_call_outcome outcome_of(int err)
{
	switch (err) {
	case 0:
		return TNB_CALL_COMPLETED;
	case -EALREADY:
		return NOT_OURS;
	case -ESRCH:
		return TNB_CALL_GONE;
	case -ENOENT:
	case -ETIME:
		return TNB_CALL_LATE;
	default:
		return TNB_CALL_REFUSED;
	}
}

/* ---- All of it ----------------------------------------------------------- */

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

/*
 * Is it certain that the thread is at the end of the call that the event told
 * of, and neither has returned nor is in its next one? It is if the thread was
 * held until now. A thread that has given up is on its way out, where we find
 * it, or has returned.
 */
static bool answer(const struct tnb_injector *injector,
		   const struct tnb_loader_event *event,
		   enum tnb_hold_state state)
{
	return event->hold &&
	       tnb_channel_answer(injector->state, event->hold, state);
}

/*
 * With one CPU no thread is held (bpf/lib/call_end.bpf.h): a thread that waits
 * has not run since the event, because our priority is higher.
 */
static bool has_not_run(const struct tnb_injector *injector,
			const struct tnb_loader_event *event)
{
	return !event->hold && !tnb_load_acquire(injector->state->may_spin);
}

/* A thread that has ended, or whose call was made again, may have returned from
 * the call before, with the host's value. */
static enum tnb_call_outcome judge(const struct tnb_loader_event *event,
				   enum tnb_call_outcome outcome, bool was_held,
				   bool has_not_run)
{
	if (outcome == TNB_CALL_GONE && !was_held)
		return TNB_CALL_LATE;
	if (outcome == TNB_CALL_COMPLETED && is_again(event) && !was_held &&
	    !has_not_run)
		return TNB_CALL_LATE;
	return outcome;
}

/* From now on the thread does not run in user mode, or is none of ours. */
static void end_seizing(const struct tnb_injector *injector)
{
	__atomic_sub_fetch(&injector->state->seizing, 1, __ATOMIC_SEQ_CST);
}

/*
 * Whether memory is touched only once the thread is stopped. Where another
 * thread has the process' mappings we would sleep, and with one CPU the thread
 * that was not held would run on. Otherwise memory is touched first: its page
 * may come from a server that does not answer, and no thread stands still for
 * that.
 */
static bool touches_late(const struct tnb_injector *injector,
			 const struct tnb_loader_event *event)
{
	return event->is_locked && has_not_run(injector, event);
}

/* 0, -ETIMEDOUT: it does not stop. */
static int work_on(const struct tnb_injector *injector,
		   struct tnb_tracee *tracee,
		   const struct tnb_loader_event *event, bool was_held,
		   enum tnb_call_outcome *outcome)
{
	int err = tnb_tracee_wait(tracee);

	*outcome = outcome_of(err);
	if (err)
		return err == -ESRCH ? 0 : -ETIMEDOUT;
	if (is_again(event) && touches_late(injector, event) &&
	    !touch_stopped(event)) {
		(void)!tnb_restart_interrupted(tracee);
		*outcome = TNB_CALL_LATE;
	} else {
		*outcome =
			outcome_of(finish(injector, tracee, event, was_held));
	}
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
	if (is_again(event) && !touches_late(injector, event) &&
	    !tnb_memory_touch(event)) {
		end_seizing(injector);
		(void)answer(injector, event, TNB_HOLD_REFUSED);
		return 0;
	}
	err = tnb_tracee_seize((pid_t)event->tid, (pid_t)event->tgid, &tracee,
			       BUDGET_MS);
	end_seizing(injector);
	was_held = answer(injector, event,
			  err ? TNB_HOLD_REFUSED : TNB_HOLD_TAKEN);
	if (!err)
		err = work_on(injector, &tracee, event, was_held, outcome);
	else
		*outcome = err == -EPERM ? why_forbidden(event)
					 : outcome_of(err);
	*outcome =
		judge(event, *outcome, was_held, has_not_run(injector, event));
	return err == -ETIMEDOUT ? err : 0;
}

/* What was lost, and counted so, is not lost if the call was made again, or if
 * its thread has ended. */
static void count_call(struct tnb_loader_state *state,
		       const struct tnb_loader_event *event,
		       enum tnb_call_outcome outcome)
{
	__u64 *counter = &state->call[outcome];

	if (outcome == NOT_OURS)
		return;
	if (is_again(event)) {
		if (outcome != TNB_CALL_COMPLETED && outcome != TNB_CALL_GONE)
			return;
		counter = &state->again[event->task];
	}
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

bool tnb_call_complete(const struct tnb_injector *injector,
		       const struct tnb_loader_event *event)
{
	enum tnb_call_outcome outcome;
	int err = complete(injector, event, &outcome);

	tnb_budget_end();
	count_call(injector->state, event, outcome);
	return !err;
}
