/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include "loader/inject/budget.h"
#include "loader/inject/tracee.h"
#include "loader/base/proc.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUDGET_MS 20000
/* Suspending filters needs CAP_SYS_ADMIN. */
#define MAY_NOT 77
/* Ends by SIGUSR1, if that comes, and else by SIGALRM. */
static pid_t start_waiting(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(BUDGET_MS / 1000);
	for (;;)
		pause();
}

static int seccomp_kill_on(long call, unsigned long argument)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)argument, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno
								    : 0;
}

/* Ends in the middle of passing a signal on. */
static __attribute__((noreturn)) void die_between(pid_t subject)
{
	struct tnb_tracee tracee;
	int err = tnb_tracee_begin(subject, subject, &tracee);

	if (!err)
		err = tnb_budget_begin(BUDGET_MS);
	if (!err)
		err = tnb_tracee_interrupt(&tracee);
	if (!err)
		err = tnb_tracee_wait(&tracee);
	if (!err)
		err = tnb_tracee_continue(&tracee);
	if (!err)
		err = seccomp_kill_on(SYS_ptrace, PTRACE_CONT);
	if (!err)
		err = kill(subject, SIGUSR1);
	if (!err)
		err = tnb_tracee_wait(&tracee);
	_exit(err == -EPERM ? MAY_NOT : 1);
}

static void no_signal_is_lost_if_the_tracer_dies(void **state)
{
	pid_t subject = start_waiting(), tracer;
	int status;

	(void)state;
	assert_true(subject > 0);
	tracer = fork();
	if (!tracer)
		die_between(subject);
	assert_int_equal(waitpid(tracer, &status, 0), tracer);
	if (WIFEXITED(status) && WEXITSTATUS(status) == MAY_NOT) {
		kill(subject, SIGKILL);
		waitpid(subject, &status, 0);
		skip();
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	assert_int_equal(waitpid(subject, &status, 0), subject);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
}

/* ---- An exec that waits ------------------------------------------------ */

#define FOREVER_MS 20000

/* A script, the interpreter of which nobody may open: an exec of it waits with
 * the mutex that PTRACE_SEIZE takes, until the lease is given back. */
struct leased {
	char interpreter[32], script[32];
	int lease;
};

static void lease(struct leased *leased)
{
	int fd;

	strcpy(leased->interpreter, "/tmp/tnb-leased-XXXXXX");
	strcpy(leased->script, "/tmp/tnb-script-XXXXXX");
	leased->lease = mkstemp(leased->interpreter);
	fd = mkstemp(leased->script);
	assert_true(leased->lease >= 0 && fd >= 0);
	assert_true(dprintf(fd, "#!%s\n", leased->interpreter) > 0);
	assert_false(fchmod(leased->lease, 0755) || fchmod(fd, 0755));
	close(fd);
}

static void unlease(struct leased *leased)
{
	close(leased->lease);
	unlink(leased->interpreter);
	unlink(leased->script);
}

/* In a child, until its exec waits. */
static pid_t begin_exec(const struct leased *leased)
{
	const struct timespec limit = { .tv_sec = FOREVER_MS / 1000 };
	sigset_t broken;
	pid_t pid;

	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	sigprocmask(SIG_BLOCK, &broken, NULL);
	if (fcntl(leased->lease, F_SETLEASE, F_WRLCK))
		return -1;
	pid = fork();
	if (!pid) {
		close(leased->lease);
		execl(leased->script, leased->script, (char *)NULL);
		_exit(1);
	}
	assert_int_equal(sigtimedwait(&broken, NULL, &limit), SIGIO);
	return pid;
}

static void an_exec_that_waits_for_ever_is_not_waited_for(void **state)
{
	struct tnb_tracee tracee;
	struct leased leased;
	int status;
	pid_t pid;

	(void)state;
	lease(&leased);
	pid = begin_exec(&leased);
	if (pid < 0) {
		unlease(&leased);
		skip(); /* no leases on this file system */
	}
	assert_int_equal(tnb_tracee_seize(pid, pid, &tracee, 50), -EINTR);
	tnb_budget_end();
	/* And it is nobody's. */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	unlease(&leased);
}

/* ---- A SIGSTOP of somebody else ------------------------------------------ */

/* False: nobody may trace here. */
static bool seize(pid_t pid, struct tnb_tracee *tracee)
{
	int err = tnb_tracee_seize(pid, pid, tracee, BUDGET_MS);

	if (!err)
		err = tnb_tracee_stop(tracee);
	tnb_budget_end();
	if (err == -EPERM)
		return false;
	assert_int_equal(err, 0);
	return true;
}

/* It stays stopped, until it is told to go on. */
static void expect_stopped(pid_t pid)
{
	siginfo_t info = { 0 };
	int status;

	for (int i = 0; i < BUDGET_MS && tnb_proc_state(pid) != 'T'; i++)
		usleep(1000);
	assert_int_equal(tnb_proc_state(pid), 'T');
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOHANG),
			 0);
	assert_int_equal(info.si_pid, 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void give_up(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	skip();
}

static void who_was_stopped_before_stays_so(void **state)
{
	pid_t pid = start_waiting();
	struct tnb_tracee tracee;
	int status;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	if (!seize(pid, &tracee))
		give_up(pid);
	assert_int_equal(tnb_tracee_detach(&tracee), 0);
	expect_stopped(pid);
}

/* Somebody else's SIGSTOP, while it is traced. */
static void seize_and_stop(pid_t pid, struct tnb_tracee *tracee)
{
	if (!seize(pid, tracee))
		give_up(pid);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(tnb_budget_begin(BUDGET_MS), 0);
	/* Into pause(2), which it makes again. */
	assert_int_equal(tnb_tracee_to_syscall(tracee), 0);
	tnb_budget_end();
}

static void who_is_stopped_meanwhile_stays_so(void **state)
{
	pid_t pid = start_waiting();
	struct tnb_tracee tracee;

	(void)state;
	seize_and_stop(pid, &tracee);
	assert_int_equal(tnb_tracee_detach(&tracee), 0);
	expect_stopped(pid);
}

static void who_is_continued_meanwhile_goes_on(void **state)
{
	pid_t pid = start_waiting();
	struct tnb_tracee tracee;
	int status;

	(void)state;
	seize_and_stop(pid, &tracee);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(tnb_tracee_detach(&tracee), 0);
	/* Who is stopped does not end by that. */
	assert_int_equal(kill(pid, SIGUSR1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

/* ---- A filter, behind a long list of groups ------------------------------ */

#define GROUPS 1000

static void a_filter_is_seen_behind_a_thousand_groups(void **state)
{
	gid_t groups[GROUPS];
	int ready[2];
	pid_t pid;
	char byte;

	(void)state;
	for (unsigned int i = 0; i < GROUPS; i++)
		groups[i] = 1000000000 + i;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		alarm(BUDGET_MS / 1000);
		byte = setgroups(GROUPS, groups) ||
		       seccomp_kill_on(SYS_ptrace, PTRACE_CONT);
		(void)!write(ready[1], &byte, 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	if (byte)
		give_up(pid);
	assert_int_equal(tnb_proc_seccomp(pid), SECCOMP_MODE_FILTER);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

static int count_timers(void)
{
	FILE *file = fopen("/proc/self/timers", "re");
	char line[128];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		count += !strncmp(line, "ID:", 3);
	fclose(file);
	return count;
}

static void a_thread_leaves_no_timer_behind(void **state)
{
	int before = count_timers();

	(void)state;
	if (before < 0)
		skip();
	tnb_budget_free();
	before = count_timers();
	assert_int_equal(tnb_budget_begin(BUDGET_MS), 0);
	tnb_budget_end();
	assert_int_equal(count_timers(), before + 1);
	tnb_budget_free();
	assert_int_equal(count_timers(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_signal_is_lost_if_the_tracer_dies),
		cmocka_unit_test(a_thread_leaves_no_timer_behind),
		cmocka_unit_test(an_exec_that_waits_for_ever_is_not_waited_for),
		cmocka_unit_test(who_was_stopped_before_stays_so),
		cmocka_unit_test(who_is_stopped_meanwhile_stays_so),
		cmocka_unit_test(who_is_continued_meanwhile_goes_on),
		cmocka_unit_test(a_filter_is_seen_behind_a_thousand_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
