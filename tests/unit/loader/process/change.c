/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include "loader/payload/arch/x86_64/stub_data.h"
#include "loader/payload/stub.h"
#include "loader/process/change.h"
#include "loader/inject/arch.h"
#include "loader/inject/arch/x86_64/segment.h"
#include "loader/inject/budget.h"
#include "loader/inject/threads.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "../../../bench/clock_page.h"
#include <unistd.h>

#define BUDGET_MS 20000
#define SLOT 1

static const struct tnb_placement inside = { .slot = SLOT,
					     .pass = CLOCK_PAGE_PASS };
static struct tnb_injector injector;

struct subject {
	pid_t pid;
	int proc, memory;
};

static void *wait_long(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void subject_open(struct subject *subject)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", subject->pid);
	subject->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	subject->memory = openat(subject->proc, "mem", O_RDWR | O_CLOEXEC);
}

/* Of two threads, when that is known. */
static int subject_start(void **state)
{
	static struct subject subject;
	pthread_t thread;
	int ready[2];
	char byte;

	if (pipe(ready))
		return 1;
	subject.pid = fork();
	if (!subject.pid) {
		alarm(BUDGET_MS / 1000);
		if (!pthread_create(&thread, NULL, wait_long, NULL))
			close(ready[1]);
		wait_long(NULL);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1))
		return 1;
	close(ready[0]);
	subject_open(&subject);
	*state = &subject;
	return subject.pid < 0 || subject.memory < 0;
}

static int subject_stop(void **state)
{
	const struct subject *subject = *state;

	close(subject->memory);
	close(subject->proc);
	kill(subject->pid, SIGKILL);
	return waitpid(subject->pid, NULL, 0) != subject->pid;
}

static struct tnb_view look_at(const struct subject *subject)
{
	struct tnb_view live;

	assert_int_equal(tnb_view_take(subject->pid, subject->proc, &live), 0);
	return live;
}

static int change(const struct subject *subject, const struct tnb_view *live)
{
	return tnb_change_running(&injector, live, &inside, subject->proc,
				  BUDGET_MS);
}

/* Not by everybody: who is not root, or in a container, may not trace. */
static void change_at_least_once(const struct subject *subject,
				 const struct tnb_view *live)
{
	int err = change(subject, live);

	if (err == -EPERM)
		skip();
	assert_int_equal(err, 0);
}

/* The bytes that are replaced, as the process has them. */
static void read_entry(const struct subject *subject,
		       const struct tnb_view *live, uint8_t code[16])
{
	off_t entry = (off_t)(live->maps.vdso +
			      injector.vdsos->wide.clock_gettime.offset);

	assert_int_equal(pread(subject->memory, code, 16, entry), 16);
}

static void who_was_given_pages_since_is_looked_at_again(void **state)
{
	const struct subject *subject = *state;
	struct tnb_view before = look_at(subject), after;

	assert_false(before.has_pages);
	change_at_least_once(subject, &before);
	after = look_at(subject);
	assert_true(tnb_view_is_in_place(&after, &inside));
	assert_int_equal(change(subject, &before), -EAGAIN);
	before = look_at(subject);
	assert_int_equal(before.page.at, after.page.at);
	assert_int_equal(change(subject, &before), 0);
}

static void who_is_changed_by_another_tool_is_left_alone(void **state)
{
	static const uint8_t foreign[16] = { 0xcc };
	const struct subject *subject = *state;
	struct tnb_view live = look_at(subject);
	uint8_t code[16], found[16];
	off_t entry = (off_t)(live.maps.vdso +
			      injector.vdsos->wide.clock_gettime.offset);

	read_entry(subject, &live, code);
	assert_int_equal(pwrite(subject->memory, foreign, 16, entry), 16);
	if (change(subject, &live) == -EPERM)
		skip();
	assert_int_equal(change(subject, &live), -ENOSPC);
	read_entry(subject, &live, found);
	assert_memory_equal(found, foreign, 16);
	assert_int_equal(pwrite(subject->memory, code, 16, entry), 16);
	assert_int_equal(change(subject, &live), 0);
}

static void threads_that_nobody_stopped_are_seen(void **state)
{
	const struct subject *subject = *state;
	struct tnb_threads threads;
	int err;

	assert_int_equal(tnb_budget_begin(BUDGET_MS), 0);
	err = tnb_threads_stop(subject->pid, subject->proc, &threads);
	if (err == -EPERM)
		skip();
	assert_int_equal(err, 0);
	assert_int_equal(tnb_threads_living(&threads), 2);
	assert_int_equal(tnb_threads_check(&threads, subject->proc), 0);
	threads.count--;
	assert_int_equal(tnb_threads_check(&threads, subject->proc), -EAGAIN);
	threads.count++;
	assert_int_equal(tnb_threads_release(&threads), 0);
	tnb_budget_end();
}

/* ---- Filters ------------------------------------------------------------- */

/* What the subject and we see of each other. */
struct filtered {
	volatile bool has_frame;
	volatile unsigned long refused, allowed;
};
static struct filtered *filtered;

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

struct code {
	struct sock_filter at[512];
	unsigned short count;
};

static void add(struct code *code, struct sock_filter instruction)
{
	code->at[code->count++] = instruction;
}

/* A word that is another one: over what follows up to here, see patch(). */
static void expect_word(struct code *code, size_t offset, __u32 value)
{
	add(code, (struct sock_filter)LOAD((__u32)offset));
	add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value,
					       0, 0));
}

static void patch(struct code *code, unsigned short from)
{
	for (unsigned short i = from; i < code->count; i++)
		if (code->at[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
			code->at[i].jf = (__u8)(code->count - i - 1);
}

/* The call with these arguments, where they are known. */
static void add_call(struct code *code, const struct tnb_filter_call *call,
		     __u32 action)
{
	unsigned short from = code->count;

	expect_word(code, offsetof(struct seccomp_data, nr), call->number);
	for (size_t i = 0; i < TNB_FILTER_ARGUMENTS; i++) {
		size_t at = offsetof(struct seccomp_data, args) + 8 * i;

		if (!(call->known >> i & 1))
			continue;
		expect_word(code, at, (__u32)call->argument[i]);
		expect_word(code, at + 4, (__u32)(call->argument[i] >> 32));
	}
	add(code, (struct sock_filter)RETURN(action));
	patch(code, from);
}

/* getppid(2) fails, the stub's calls are made, and any other one kills. */
static int refuse_all_but_the_stub(void)
{
	static struct code code;
	const struct tnb_stub_task task = { .map_offset =
						    SLOT * TNB_PAGE_SIZE };
	const struct tnb_filter_call refused = { .number = SYS_getppid };
	/* ASan calls it in front of a function that does not return. */
	const struct tnb_filter_call of_asan = { .number = SYS_sigaltstack };
	struct tnb_filter_call calls[TNB_STUB_CALLS_MAX];
	size_t count = tnb_stub_calls(&task, calls);
	struct sock_fprog program = { .filter = code.at };

	for (size_t i = 0; i < count; i++)
		add_call(&code, &calls[i], SECCOMP_RET_ALLOW);
	add_call(&code, &refused, SECCOMP_RET_ERRNO | EPERM);
	add_call(&code, &of_asan, SECCOMP_RET_ALLOW);
	add(&code, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	program.len = code.count;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What a signal handler's frame looks like to inject/quiesce.c, that has
 * interrupted the kernel's clock_gettime(). */
#define FRAME_IP 24

static __attribute__((noreturn)) void try_for_ever(void)
{
	volatile uint64_t frame[FRAME_IP + 8] = {
		[FRAME_IP - 1] = (uintptr_t)frame,
		[FRAME_IP + 1] = 0x202,
		[FRAME_IP + 2] = TNB_USER_CS_64,
	};
	/* At its first byte it would still find the jump as a whole. */
	uint64_t entry = getauxval(AT_SYSINFO_EHDR) +
			 injector.vdsos->wide.clock_gettime.offset + 1;

	for (;;) {
		frame[FRAME_IP] = filtered->has_frame ? entry : 0;
		if (syscall(SYS_getppid) < 0)
			filtered->refused++;
		else
			filtered->allowed++;
	}
}

static int filtered_start(void **state)
{
	static struct subject subject;

	filtered = mmap(NULL, sizeof(*filtered), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filtered == MAP_FAILED)
		return 1;
	filtered->has_frame = true;
	subject.pid = fork();
	if (!subject.pid) {
		alarm(BUDGET_MS / 1000);
		if (refuse_all_but_the_stub())
			_exit(1);
		try_for_ever();
	}
	subject_open(&subject);
	while (!filtered->refused && !waitpid(subject.pid, NULL, WNOHANG))
		usleep(1000);
	*state = &subject;
	return subject.pid < 0 || subject.memory < 0;
}

static void expect_to_go_on(const struct subject *subject)
{
	unsigned long before = filtered->refused;
	siginfo_t end = { 0 };

	while (filtered->refused - before < 1000 && !end.si_pid) {
		assert_int_equal(waitid(P_PID, (id_t)subject->pid, &end,
					WEXITED | WNOHANG | WNOWAIT),
				 0);
		usleep(1000);
	}
	assert_int_equal(end.si_pid, 0);
}

static void filters_apply_to_all_that_it_does_by_itself(void **state)
{
	const struct subject *subject = *state;
	struct tnb_view live = look_at(subject);
	int err = change(subject, &live);

	if (err == -EPERM)
		skip();
	/* It ran on, and on, and seemed to be inside of what changes. */
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(filtered->allowed, 0);
	filtered->has_frame = false;
	expect_to_go_on(subject);
	assert_int_equal(change(subject, &live), 0);
	expect_to_go_on(subject);
	assert_int_equal(filtered->allowed, 0);
	/* Nor is it sent to clock calls, which its filter refuses. */
	live = look_at(subject);
	assert_true(live.has_pages);
	assert_int_equal(live.page.link.no_calls, 1);
}

/* ---- Another program meanwhile ------------------------------------------- */

static bool is_traced(void)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof(text) - 1);
	const char *tracer;

	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	tracer = strstr(text, "TracerPid:");
	return tracer && atoi(tracer + strlen("TracerPid:"));
}

/* It ends with its parent, and holds up no reader of our output until then. */
static int keep_memory(void *parent)
{
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	alarm(BUDGET_MS / 1000);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == *(pid_t *)parent)
		pause();
	return 0;
}

/* It seems to be inside of what changes, so that it runs on while it is traced.
 * Then another process keeps its memory, and it executes a program. */
static __attribute__((noreturn)) void execute_once_traced(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static pid_t own;
	volatile uint64_t frame[FRAME_IP + 8] = {
		[FRAME_IP - 1] = (uintptr_t)frame,
		[FRAME_IP] = getauxval(AT_SYSINFO_EHDR) +
			     injector.vdsos->wide.clock_gettime.offset + 1,
		[FRAME_IP + 1] = 0x202,
		[FRAME_IP + 2] = TNB_USER_CS_64,
	};

	own = getpid();
	filtered->has_frame = frame[FRAME_IP] != 0;
	while (!is_traced())
		;
	clone(keep_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD, &own);
	execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
	_exit(1);
}

static int executing_start(void **state)
{
	static struct subject subject;

	filtered = mmap(NULL, sizeof(*filtered), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filtered == MAP_FAILED)
		return 1;
	subject.pid = fork();
	if (!subject.pid) {
		alarm(BUDGET_MS / 1000);
		execute_once_traced();
	}
	subject_open(&subject);
	while (!filtered->has_frame && !waitpid(subject.pid, NULL, WNOHANG))
		usleep(1000);
	*state = &subject;
	return subject.pid < 0 || subject.memory < 0;
}

/* Not a register of the other program is set; unless it was executed before the
 * first stop, and is one that starts. */
static void another_program_is_left_alone(void **state)
{
	const struct subject *subject = *state;
	struct tnb_view live = look_at(subject);
	int status = 0, err = change(subject, &live);

	if (err == -EPERM)
		skip();
	assert_true(err == -EAGAIN || !err);
	assert_int_equal(waitpid(subject->pid, &status, WUNTRACED),
			 subject->pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

/* ---- Signals while the stub runs ----------------------------------------- */

/* Not as fast as it can: each is a stop or two of its own. */
static pid_t begin_to_send(pid_t to, int first, int second)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(BUDGET_MS / 1000);
	for (;;) {
		kill(to, first);
		kill(to, second);
		usleep(50);
	}
}

#define CHANGES 40

/* Each maps pages anew, and ends within its budget. */
static void stops_of_somebody_else_hold_nobody(void **state)
{
	static const struct tnb_placement outside = { 0 };
	const struct subject *subject = *state;
	struct tnb_view live = look_at(subject);
	pid_t sender;

	change_at_least_once(subject, &live);
	sender = begin_to_send(subject->pid, SIGSTOP, SIGCONT);
	for (int i = 0; i < CHANGES; i++) {
		live = look_at(subject);
		assert_int_equal(tnb_change_running(&injector, &live,
						    i & 1 ? &inside : &outside,
						    subject->proc, BUDGET_MS),
				 0);
	}
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
}

static void the_stub_fits_into_the_room_of_a_vdso(void **state)
{
	(void)state;
	assert_true(tnb_stub_end - tnb_stub_begin <= STUB_CODE_MAX);
}

static int make_injector(void **state)
{
	(void)state;
	static struct tnb_vdsos vdsos;

	clock_page_injector(SLOT, &injector);
	/* Whether this kernel's data are known plays no part here. */
	vdsos = *injector.vdsos;
	vdsos.wide.why_raw[0] = '\0';
	injector.vdsos = &vdsos;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stub_fits_into_the_room_of_a_vdso),
		cmocka_unit_test_setup_teardown(
			who_was_given_pages_since_is_looked_at_again,
			subject_start, subject_stop),
		cmocka_unit_test_setup_teardown(
			who_is_changed_by_another_tool_is_left_alone,
			subject_start, subject_stop),
		cmocka_unit_test_setup_teardown(
			threads_that_nobody_stopped_are_seen, subject_start,
			subject_stop),
		cmocka_unit_test_setup_teardown(
			filters_apply_to_all_that_it_does_by_itself,
			filtered_start, subject_stop),
		cmocka_unit_test_setup_teardown(another_program_is_left_alone,
						executing_start, subject_stop),
		cmocka_unit_test_setup_teardown(
			stops_of_somebody_else_hold_nobody, subject_start,
			subject_stop),
	};

	return cmocka_run_group_tests(tests, make_injector, NULL);
}
