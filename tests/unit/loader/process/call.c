/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/base/clock.h"
#include "loader/base/proc.h"
#include "loader/process/call.h"
#include <abi/latch.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 20
#define AHEAD_S 1000000LL
#define SLOT 1
#define PAGES_SIZE ((SLOT + 1) * sizeof(struct tnb_clock_page))

/* A loader of its own: a rule some days ahead in all clocks. */
struct loader {
	struct tnb_clock_page *pages;
	struct tnb_loader_state *state;
	struct tnb_injector injector;
};

static int set_up(void **context)
{
	struct loader *loader = calloc(1, sizeof(*loader));
	int file;

	assert_non_null(loader);
	file = memfd_create("clock_pages", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file, PAGES_SIZE), 0);
	loader->pages = mmap(NULL, PAGES_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, file, 0);
	loader->state = mmap(NULL, sizeof(*loader->state),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	assert_true(loader->pages != MAP_FAILED && loader->state != MAP_FAILED);
	for (int i = 0; i < TNB_CLOCKS; i++)
		loader->pages[SLOT].set[0].clock[i].offset_sec = AHEAD_S;
	assert_int_equal(tnb_pages_open_file(file, &loader->injector.pages), 0);
	close(file);
	loader->injector.state = loader->state;
	*context = loader;
	return 0;
}

static int tear_down(void **context)
{
	struct loader *loader = *context;

	tnb_pages_close(&loader->injector.pages);
	munmap(loader->pages, PAGES_SIZE);
	munmap(loader->state, sizeof(*loader->state));
	free(loader);
	return 0;
}

static pid_t start(void (*child)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	alarm(LIMIT_S);
	child();
	_exit(0);
}

static struct tnb_loader_event event_of(pid_t pid)
{
	return (struct tnb_loader_event){
		.kind = TNB_EVENT_CALL,
		.tid = (__u32)pid,
		.tgid = (__u32)pid,
		.slot = SLOT,
		.when_ns = tnb_clock_now(),
		.task = TNB_CALL_TIME,
	};
}

/* By another process: a tracer that is the parent, too, would get the report of
 * the end. */
static void complete(struct loader *loader,
		     const struct tnb_loader_event *event)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(!tnb_call_complete(&loader->injector, event));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool has_ended_well(pid_t pid, int flags)
{
	int status;

	if (waitpid(pid, &status, flags) != pid)
		return false;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return true;
}

/* Again and again, until it was found at the end of its call. */
static void complete_until_it_ends(struct loader *loader, pid_t pid)
{
	while (!has_ended_well(pid, WNOHANG)) {
		struct tnb_loader_event event = event_of(pid);

		complete(loader, &event);
	}
	/* Of which call the event told is not known here: it counts as late,
	 * unless the results happen to be equal. */
	assert_true(loader->state->call[TNB_CALL_COMPLETED] +
			    loader->state->call[TNB_CALL_LATE] >
		    0);
}

static void call_time(void)
{
	long at, result, host = time(NULL);

	do {
		result = syscall(SYS_time, &at);
		if (at != result)
			_exit(1);
	} while (result < host + AHEAD_S);
	if (result > time(NULL) + AHEAD_S)
		_exit(1);
}

static void call_times(void)
{
	long ticks = AHEAD_S * 100, host = syscall(SYS_times, NULL), result;

	do {
		result = syscall(SYS_times, NULL);
	} while (result < host + ticks);
	if (result > syscall(SYS_times, NULL) + ticks)
		_exit(1);
}

/* With addresses that cannot be written. */
static void call_badly(void)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	do {
		if (syscall(SYS_time, 1) != -1 || errno != EFAULT ||
		    syscall(SYS_times, 1) != -1 || errno != EFAULT)
			_exit(1);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
}

static void time_is_that_of_the_rule(void **context)
{
	complete_until_it_ends(*context, start(call_time));
}

static void times_is_that_of_the_rule(void **context)
{
	complete_until_it_ends(*context, start(call_times));
}

static void a_call_that_failed_stays_so(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(call_badly);

	while (!has_ended_well(pid, WNOHANG)) {
		struct tnb_loader_event event = event_of(pid);

		complete(loader, &event);
	}
	assert_int_equal(loader->state->call[TNB_CALL_COMPLETED], 0);
}

/* Two events may find a thread in one call. */
static void a_call_is_counted_once(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(call_time);
	struct tnb_caller *caller =
		&loader->state->caller[tnb_caller_index((__u32)pid)];

	caller->begun = TNB_CALLER(pid, 1);
	complete_until_it_ends(loader, pid);
	assert_int_equal(loader->state->call[TNB_CALL_COMPLETED], 1);
	assert_int_equal(caller->completed, caller->begun);
	/* It is left alone then: the child would end. */
	pid = start(call_time);
	caller = &loader->state->caller[tnb_caller_index((__u32)pid)];
	*caller = (struct tnb_caller){ TNB_CALLER(pid, 2), TNB_CALLER(pid, 2) };
	for (int i = 0; i < 100; i++) {
		struct tnb_loader_event event = event_of(pid);

		complete(loader, &event);
	}
	assert_false(has_ended_well(pid, WNOHANG));
	assert_int_equal(loader->state->call[TNB_CALL_COMPLETED], 1);
	caller->begun = TNB_CALLER(pid, 3);
	complete_until_it_ends(loader, pid);
	assert_int_equal(loader->state->call[TNB_CALL_COMPLETED], 2);
}

/* The next call of a thread that was not held may be one of another rule. */
static void after_a_move_only_its_own_event_completes_a_call(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(call_time);
	struct tnb_loader_event event;

	loader->pages[SLOT].revocations = 1;
	for (int i = 0; i < 100; i++) {
		event = event_of(pid);
		complete(loader, &event);
	}
	assert_false(has_ended_well(pid, WNOHANG));
	assert_int_equal(loader->state->call[TNB_CALL_COMPLETED], 0);
	loader->pages[SLOT].revocations = 0;
	complete_until_it_ends(loader, pid);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void assert_counted(struct loader *loader, enum tnb_call_outcome outcome,
			   struct tnb_loader_event event)
{
	const __u64 before = loader->state->call[outcome];

	complete(loader, &event);
	assert_int_equal(loader->state->call[outcome], before + 1);
}

/* The hold of an event, and what was answered. */
static __u64 *hold(struct loader *loader, struct tnb_loader_event *event)
{
	event->hold = TNB_HOLD_WORD(1, TNB_HOLD_WAITING);
	loader->state->hold[tnb_hold_index(event->hold)] = event->hold;
	return &loader->state->hold[tnb_hold_index(event->hold)];
}

static void what_is_not_completed_is_counted_and_let_go_of(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(wait_for_ever);
	struct tnb_loader_event event = event_of(pid), old = event;
	__u64 *word = hold(loader, &event);

	assert_counted(loader, TNB_CALL_LATE, event);
	assert_int_equal(*word, tnb_hold_answer(event.hold, TNB_HOLD_TAKEN));
	old.when_ns -= 1000000000;
	assert_counted(loader, TNB_CALL_LATE, old);
	/* It was let go of. */
	assert_int_equal(tnb_proc_tracer(pid), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* One that was not held may have returned before it ended. */
static void only_a_held_thread_ends_within_its_call(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(wait_for_ever);
	struct tnb_loader_event event;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	event = event_of(pid);
	assert_counted(loader, TNB_CALL_LATE, event);
	(void)hold(loader, &event);
	assert_counted(loader, TNB_CALL_GONE, event);
}

/* Traces its parent's other child, of which it tells by a pipe. */
static void trace_and_wait(pid_t subject, int ready)
{
	alarm(LIMIT_S);
	if (ptrace(PTRACE_SEIZE, subject, NULL, NULL))
		_exit(1);
	(void)!write(ready, "", 1);
	wait_for_ever();
}

static void a_thread_of_another_tracer_is_let_on(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start(wait_for_ever), tracer;
	struct tnb_loader_event event = event_of(pid);
	__u64 *word = hold(loader, &event);
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	tracer = fork();
	if (!tracer)
		trace_and_wait(pid, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	event.when_ns = tnb_clock_now();
	assert_counted(loader, TNB_CALL_TRACED, event);
	assert_int_equal(*word, tnb_hold_answer(event.hold, TNB_HOLD_REFUSED));
	kill(tracer, SIGKILL);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

/* ---- Calls that are made again ------------------------------------------- */

/* What a child waits for, in memory that it shares. */
static uint32_t *word;

static void wait_for_word(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += LIMIT_S;
	_exit(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &end, NULL,
		      FUTEX_BITSET_MATCH_ANY) != 0);
}

/* Until the thread sleeps in the call: where it is. */
static struct tnb_loader_event event_of_wait(pid_t pid)
{
	struct tnb_loader_event event = event_of(pid);
	unsigned long long sp = 0, pc = 0;
	char path[32];
	long call;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	do {
		FILE *file = fopen(path, "r");

		assert_non_null(file);
		if (fscanf(file, "%ld %*s %*s %*s %*s %*s %*s %llx %llx", &call,
			   &sp, &pc) != 3)
			call = -1;
		fclose(file);
	} while (call != SYS_futex);
	event.task = TNB_CALL_WAIT;
	event.call = SYS_futex;
	event.sp = sp;
	event.pc = pc;
	event.address = (__u64)word;
	event.size = sizeof(*word);
	event.when_ns = tnb_clock_now();
	return event;
}

static pid_t start_wait(void)
{
	word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(word, MAP_FAILED);
	return start(wait_for_word);
}

/* It waits still, and is woken as if nothing had been. */
static void end_wait(pid_t pid)
{
	/* Its stop may not have ended yet. */
	while (syscall(SYS_futex, word, FUTEX_WAKE, 1) == 0)
		;
	assert_true(has_ended_well(pid, 0));
	munmap(word, sizeof(*word));
}

static void a_wait_of_a_held_thread_is_made_again(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);
	__u64 *answer = hold(loader, &event);

	complete(loader, &event);
	assert_int_equal(*answer, tnb_hold_answer(event.hold, TNB_HOLD_TAKEN));
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 1);
	end_wait(pid);
}

/* It may have returned, and be in its next call: with a second CPU. */
static void one_of_another_thread_counts_as_lost(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);

	loader->state->may_spin = 1;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 0);
	loader->state->may_spin = 0;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 1);
	end_wait(pid);
}

static void another_wait_is_let_on(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);

	event.pc++;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 0);
	end_wait(pid);
}

/* ---- Memory that is stuck ------------------------------------------------ */

static void a_thread_goes_on_once_its_memory_is_put_back(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);

	event.task = TNB_CALL_SETTLE;
	event.bytes[0] = *word + 1;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_SETTLE], 1);
	end_wait(pid);
}

/* Nothing puts it back here. */
static void memory_that_stays_as_it_is_counts(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);

	event.task = TNB_CALL_SETTLE;
	event.bytes[0] = *word;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_SETTLE], 0);
	end_wait(pid);
}

/* Another thread has the mappings: memory is touched behind the stop. */
static void memory_is_touched_while_the_thread_is_stopped(void **context)
{
	struct loader *loader = *context;
	pid_t pid = start_wait();
	struct tnb_loader_event event = event_of_wait(pid);

	event.is_locked = true;
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 1);
	event.when_ns = tnb_clock_now();
	event.address = 4096; /* nothing is there */
	complete(loader, &event);
	assert_int_equal(loader->state->again[TNB_CALL_WAIT], 1);
	end_wait(pid);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(time_is_that_of_the_rule),
		TEST(times_is_that_of_the_rule),
		TEST(a_call_that_failed_stays_so),
		TEST(a_call_is_counted_once),
		TEST(after_a_move_only_its_own_event_completes_a_call),
		TEST(what_is_not_completed_is_counted_and_let_go_of),
		TEST(only_a_held_thread_ends_within_its_call),
		TEST(a_thread_of_another_tracer_is_let_on),
		TEST(a_wait_of_a_held_thread_is_made_again),
		TEST(one_of_another_thread_counts_as_lost),
		TEST(another_wait_is_let_on),
		TEST(a_thread_goes_on_once_its_memory_is_put_back),
		TEST(memory_that_stays_as_it_is_counts),
		TEST(memory_is_touched_while_the_thread_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
