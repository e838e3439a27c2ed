/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include "loader/inject/budget.h"
#include "loader/inject/tracee.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUDGET_MS 20000
#define ANSWER 4242424242LL
#define IA32_TIME 13

static int bytes[2];

/* Ends well once it has been answered. */
static void call_time(void)
{
	long at;

	while (syscall(SYS_time, &at) != ANSWER)
		;
}

static void call_times(void)
{
	while (syscall(SYS_times, NULL) != ANSWER)
		;
}

static long time_32(void)
{
	long result = IA32_TIME;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void call_time_32(void)
{
	while (time_32() != ANSWER)
		;
}

static void try_time_32(void)
{
	signal(SIGSEGV, SIG_DFL);
	_exit(time_32() > 0 ? 0 : 1);
}

/* The first byte is read once more, as the second. */
static void call_read(void)
{
	char byte = 0;

	if (syscall(SYS_read, bytes[0], &byte, 1) != 1 || byte != '2')
		_exit(1);
}

static pid_t start(void (*child)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	alarm(BUDGET_MS / 1000);
	child();
	_exit(0);
}

/* Stop it as the loader does, at the end of this call. */
static void stop_at_end(pid_t pid, __u32 call, struct tnb_tracee *tracee,
			struct tnb_call_end *end)
{
	assert_int_equal(tnb_tracee_seize(pid, pid, tracee, BUDGET_MS), 0);
	assert_int_equal(tnb_tracee_wait(tracee), 0);
	do {
		assert_int_equal(tnb_tracee_to_syscall(tracee), 0);
		assert_int_equal(tnb_call_end_get(tracee->tid, end), 0);
	} while (end->call != call || end->result == -ENOSYS);
	assert_int_equal(tnb_tracee_interrupt(tracee), 0);
	assert_int_equal(tnb_tracee_continue(tracee), 0);
	assert_int_equal(tnb_tracee_wait(tracee), 0);
	assert_int_equal(tnb_call_end_get(tracee->tid, end), 0);
	assert_int_equal(end->call, call);
}

static void let_go(struct tnb_tracee *tracee)
{
	int status;
	pid_t pid = tracee->tid;

	assert_int_equal(tnb_tracee_detach(tracee), 0);
	tnb_budget_end();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void the_result_of_time_is_set(void **state)
{
	struct tnb_tracee tracee;
	struct tnb_call_end end;

	(void)state;
	stop_at_end(start(call_time), SYS_time, &tracee, &end);
	assert_int_equal(tnb_call_end_number(&end), SYS_time);
	assert_true(!end.compat && end.argument && end.result > 0);
	assert_int_equal(tnb_call_end_set(tracee.tid, ANSWER), 0);
	let_go(&tracee);
}

static void the_result_of_times_is_set(void **state)
{
	struct tnb_tracee tracee;
	struct tnb_call_end end;

	(void)state;
	stop_at_end(start(call_times), SYS_times, &tracee, &end);
	assert_int_equal(tnb_call_end_number(&end), SYS_times);
	assert_int_equal(tnb_call_end_set(tracee.tid, ANSWER), 0);
	let_go(&tracee);
}

/* Not every kernel has them. */
static bool has_calls_of_32_bits(void)
{
	pid_t pid = start(try_time_32);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Number 13 is another call in 64 bits. */
static void calls_of_32_bits_are_told_apart(void **state)
{
	struct tnb_tracee tracee;
	struct tnb_call_end end;

	(void)state;
	if (!has_calls_of_32_bits())
		skip();
	stop_at_end(start(call_time_32), IA32_TIME, &tracee, &end);
	assert_true(end.compat);
	assert_int_equal(tnb_call_end_number(&end), SYS_time);
	assert_int_equal(end.argument, 0);
	end.compat = false;
	assert_int_equal(tnb_call_end_number(&end), SYS_rt_sigaction);
	assert_int_equal(tnb_call_end_set(tracee.tid, ANSWER), 0);
	let_go(&tracee);
}

static void a_call_is_made_again(void **state)
{
	struct tnb_tracee tracee;
	struct tnb_call_end end;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(bytes), 0);
	pid = start(call_read);
	/* It waits in the call, with nothing to read yet. */
	assert_int_equal(tnb_tracee_seize(pid, pid, &tracee, BUDGET_MS), 0);
	assert_int_equal(tnb_tracee_wait(&tracee), 0);
	assert_int_equal(write(bytes[1], "12", 2), 2);
	do {
		assert_int_equal(tnb_tracee_to_syscall(&tracee), 0);
		assert_int_equal(tnb_call_end_get(tracee.tid, &end), 0);
	} while (end.call != SYS_read || end.result != 1);
	assert_int_equal(tnb_tracee_interrupt(&tracee), 0);
	assert_int_equal(tnb_tracee_continue(&tracee), 0);
	assert_int_equal(tnb_tracee_wait(&tracee), 0);
	assert_int_equal(tnb_call_end_again(tracee.tid, TNB_AGAIN_ALWAYS), 0);
	let_go(&tracee);
	close(bytes[0]);
	close(bytes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_result_of_time_is_set),
		cmocka_unit_test(the_result_of_times_is_set),
		cmocka_unit_test(calls_of_32_bits_are_told_apart),
		cmocka_unit_test(a_call_is_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
