/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile_steps: a running process is changed, or a program is prepared that
 * starts, and at one of the steps of that, each in turn, another process does
 * something to it. A step is a request of ptrace(2) or a write to its memory.
 * Whatever is done, the work ends, nothing is left stopped or traced, and the
 * process lives and reads no time but the host's and the rule's; unless it was
 * killed, or its own memory was taken away from it.
 *
 * hostile_steps [changes|starts]: one of both. TIMENSBPF_STRIDE: of changes
 * only every so many-th step. Ends with 77 where processes may not be traced.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include "loader/inject/budget.h"
#include "loader/process/change.h"
#include "loader/process/start.h"
#include "loader/process/view.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "../../../bench/clock_page.h"
#include <unistd.h>

#define SLOT 1
#define BUDGET_MS 2000
/* On a busy machine that emulates; a change takes milliseconds. */
#define PATIENCE_MS 20000
/* No time at all: the clocks are days apart. */
#define NEAR 60

static const struct tnb_placement inside = { .slot = SLOT,
					     .pass = CLOCK_PAGE_PASS };
static struct tnb_injector injector;
static const char *own_path;

/* What all processes here see; a file under that number, for programs that are
 * executed. */
#define SHARED_FD 9

struct shared {
	volatile unsigned long readings, wrong;
	volatile pid_t pid;
	volatile int asked, done; /* of the process that shares its memory */
	volatile int error;	  /* of the work */
	volatile long steps;	  /* of the last one */
	volatile int is_traced;	  /* the program may start */
	volatile long times_done;
};
static struct shared *shared;

static void sleep_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* ---- The process that is changed ----------------------------------------- */

static bool is_near(long a, long b)
{
	return labs(a - b) < NEAR;
}

/* By the vDSO, and by the system call, which here has the host's time. */
static void read_once(void)
{
	struct timespec fast, host;

	clock_gettime(CLOCK_REALTIME, &fast);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &host);
	if (!is_near(fast.tv_sec, host.tv_sec) &&
	    !is_near(fast.tv_sec, host.tv_sec + CLOCK_PAGE_AHEAD))
		shared->wrong++;
	shared->readings++;
}

static void on_signal(int number)
{
	(void)number;
	read_once();
}

static void execute(int number)
{
	(void)number;
	execl(own_path, own_path, "reads", (char *)NULL);
	_exit(1);
}

static void *sleep_in_calls(void *unused)
{
	for (;;) {
		sleep_ms(1);
		read_once();
	}
	return unused;
}

static void unmap_vdso(void)
{
	struct tnb_vdso_maps maps;

	if (!tnb_vdso_maps_read(0, &maps))
		munmap((void *)maps.vdso, maps.vdso_end - maps.vdso);
}

static void forbid_vdso(void)
{
	struct tnb_vdso_maps maps;

	if (!tnb_vdso_maps_read(0, &maps))
		mprotect((void *)maps.vdso, maps.vdso_end - maps.vdso,
			 PROT_NONE);
}

static void move_vdso(void)
{
	struct tnb_vdso_maps maps;

	if (!tnb_vdso_maps_read(0, &maps))
		mremap((void *)maps.vdso, maps.vdso_end - maps.vdso,
		       maps.vdso_end - maps.vdso, MREMAP_MAYMOVE | MREMAP_FIXED,
		       (void *)0x200000000000);
}

static void (*const with_its_memory[])(void) = { NULL, unmap_vdso, forbid_vdso,
						 move_vdso };

/* A process of its own, which nobody stops. */
static int share_memory(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!shared->asked)
		;
	with_its_memory[shared->asked]();
	shared->done = 1;
	for (;;)
		pause();
	return 0;
}

static __attribute__((noreturn)) void be_subject(bool has_partner)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	pthread_t thread;

	alarm(60);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, execute);
	if (has_partner && clone(share_memory, stack + sizeof(stack),
				 CLONE_VM | SIGCHLD, NULL) < 0)
		_exit(1);
	if (pthread_create(&thread, NULL, sleep_in_calls, NULL))
		_exit(1);
	for (;;) {
		for (int i = 0; i < 100; i++)
			read_once();
		sleep_ms(1);
	}
}

/* The program that starts, or that a subject executes. */
static void be_program(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      SHARED_FD, 0);
	for (;;)
		read_once();
}

/* Signals that are ignored stop a traced process all the same. */
static __attribute__((noreturn)) void become_program(void)
{
	alarm(60);
	signal(SIGUSR1, SIG_IGN);
	/* The dynamic linker complains where it may open no files. */
	(void)!freopen("/dev/null", "w", stderr);
	while (!shared->is_traced)
		sleep_ms(1);
	execute(0);
	_exit(1);
}

/* ---- What is done to it -------------------------------------------------- */

static void signal_it(void)
{
	kill(shared->pid, SIGUSR1);
	kill(shared->pid, SIGUSR1);
}

static void stop_it(void)
{
	kill(shared->pid, SIGSTOP);
}

static void continue_it(void)
{
	kill(shared->pid, SIGCONT);
}

static void kill_it(void)
{
	kill(shared->pid, SIGKILL);
}

static void have_it_execute(void)
{
	kill(shared->pid, SIGUSR2);
}

static void take_its_files(void)
{
	const struct rlimit none = { 0, 0 };

	prlimit(shared->pid, RLIMIT_NOFILE, &none, NULL);
}

static void take_its_room(void)
{
	const struct rlimit none = { 4096, 4096 };

	prlimit(shared->pid, RLIMIT_AS, &none, NULL);
}

static void take_its_priority(void)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(shared->pid, SCHED_IDLE, &none);
}

static void damage_vdso(void)
{
	static const unsigned char trap[2048] = {
		[0 ... 2047] = 0xcc,
	};
	struct tnb_vdso_maps maps;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", shared->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !tnb_vdso_maps_read(shared->pid, &maps))
		(void)!pwrite(fd, trap, sizeof(trap),
			      (off_t)(maps.vdso_end - sizeof(trap)));
	close(fd);
}

/* What its stack holds, its auxiliary vector included */
static void damage_stack(void)
{
	static const unsigned char junk[16384] = {
		[0 ... 16383] = 0x21,
	};
	char path[32], line[256];
	unsigned long begin, end = 0;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", shared->pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]") &&
		    sscanf(line, "%lx-%lx", &begin, &end) != 2)
			end = 0;
	if (maps)
		fclose(maps);
	snprintf(path, sizeof(path), "/proc/%d/mem", shared->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && end)
		(void)!pwrite(fd, junk, sizeof(junk),
			      (off_t)(end - sizeof(junk)));
	close(fd);
}

static void ask_partner(int what)
{
	shared->asked = what;
	for (int i = 0; i < PATIENCE_MS && !shared->done; i++)
		sleep_ms(1);
}

static void partner_unmaps(void)
{
	ask_partner(1);
}

static void partner_forbids(void)
{
	ask_partner(2);
}

static void partner_moves(void)
{
	ask_partner(3);
}

static void do_nothing(void)
{
}

/* `may_end`: it may be the end of the process, which is its own doing. */
struct act {
	const char *name;
	void (*act)(void);
	bool has_partner, may_end;
};

static const struct act to_running[] = {
	{ "nothing", do_nothing, false, false },
	{ "signals", signal_it, false, false },
	{ "SIGSTOP", stop_it, false, false },
	{ "SIGCONT", continue_it, false, false },
	{ "exec", have_it_execute, false, false },
	{ "no files", take_its_files, false, false },
	{ "no room", take_its_room, false, false },
	{ "no CPU", take_its_priority, false, false },
	{ "SIGKILL", kill_it, false, true },
	{ "damaged vDSO", damage_vdso, false, true },
	{ "vDSO unmapped", partner_unmaps, true, true },
	{ "vDSO forbidden", partner_forbids, true, true },
	{ "vDSO moved", partner_moves, true, true },
};

/* It has no handlers yet, and shares no memory. Without room, the program's own
 * start fails. */
static const struct act to_starting[] = {
	{ "start, nothing", do_nothing, false, false },
	{ "start, signals", signal_it, false, false },
	{ "start, SIGSTOP", stop_it, false, false },
	{ "start, SIGCONT", continue_it, false, false },
	{ "start, no files", take_its_files, false, true },
	{ "start, no room", take_its_room, false, true },
	{ "start, no CPU", take_its_priority, false, false },
	{ "start, SIGKILL", kill_it, false, true },
	{ "start, damaged vDSO", damage_vdso, false, true },
	{ "start, damaged stack", damage_stack, false, true },
};

/* ---- Steps --------------------------------------------------------------- */

static const struct act *act;
static long act_at;
static bool starts; /* or a running process is changed */
static bool is_changing;

static void step(void)
{
	if (!is_changing || ++shared->steps != act_at)
		return;
	is_changing = false;
	act->act();
	is_changing = true;
	shared->times_done++;
}

/* The linker's --wrap. */
long __real_syscall(long number, ...);
ssize_t __real_pwrite(int fd, const void *from, size_t size, off_t at);
long __wrap_syscall(long number, ...);
ssize_t __wrap_pwrite(int fd, const void *from, size_t size, off_t at);

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_ptrace)
		step();
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t __wrap_pwrite(int fd, const void *from, size_t size, off_t at)
{
	step();
	return __real_pwrite(fd, from, size, at);
}

/* As tests/bench/exec_cost.c: no BPF program holds the thread here. */
int __wrap_tnb_tracee_seize(pid_t tid, pid_t tgid, struct tnb_tracee *tracee,
			    unsigned int ms);
int __wrap_tnb_tracee_seize(pid_t tid, pid_t tgid, struct tnb_tracee *tracee,
			    unsigned int ms)
{
	int status = 0;
	int err = tnb_budget_begin(ms);

	*tracee = (struct tnb_tracee){ .tid = tid, .tgid = tgid, .mem = -1 };
	if (!err && ptrace(PTRACE_SEIZE, tid, NULL,
			   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC))
		err = -errno;
	if (err)
		return err;
	shared->is_traced = 1;
	if (waitpid(tid, &status, __WALL) != tid ||
	    status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8))
		return -ESRCH;
	is_changing = true;
	err = tnb_tracee_interrupt(tracee);
	return err ? err : tnb_tracee_continue(tracee);
}

/* ---- One try ------------------------------------------------------------- */

static void start(pid_t pid)
{
	const __u64 hold = TNB_HOLD_WORD(1, TNB_HOLD_WAITING);
	const struct tnb_loader_event exec = {
		.tid = (__u32)pid,
		.tgid = (__u32)pid,
		.slot = SLOT,
		.pass = CLOCK_PAGE_PASS,
		.hold = hold,
	};
	static struct tnb_loader_state state;
	struct tnb_injector held = injector;
	struct tnb_outcome outcome;

	held.state = &state;
	state.hold[tnb_hold_index(hold)] = hold;
	outcome = tnb_start_program(&held, &exec, BUDGET_MS);
	shared->error = outcome.start == TNB_START_FAST ? 0
							: 1 + (int)outcome.why;
	_exit(0);
}

/* In a process of its own, as a patcher: its end lets go of everybody. */
static void change(pid_t pid)
{
	struct tnb_view live;
	char path[32];
	int proc;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shared->error = tnb_view_take(pid, proc, &live);
	is_changing = true;
	if (!shared->error)
		shared->error = tnb_change_running(&injector, &live, &inside,
						   proc, BUDGET_MS);
	_exit(0);
}

/* False: it did not end in time. */
static bool has_ended(pid_t pid, int *status)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		sleep_ms(1);
	}
	return false;
}

static bool has_died(pid_t pid)
{
	siginfo_t end = { 0 };

	return !waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) &&
	       end.si_pid == pid;
}

static bool goes_on(pid_t pid)
{
	unsigned long before = shared->readings;

	for (int i = 0; i < PATIENCE_MS && !has_died(pid); i++) {
		if (shared->readings - before > 100)
			return true;
		sleep_ms(1);
	}
	return false;
}

static bool is_traced(pid_t pid)
{
	char path[32], text[4096];
	const char *tracer;
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	tracer = strstr(text, "TracerPid:");
	return tracer && atoi(tracer + strlen("TracerPid:"));
}

static const char *judge(pid_t subject, pid_t changer)
{
	int status = 0;

	if (!has_ended(changer, &status)) {
		kill(changer, SIGKILL);
		waitpid(changer, NULL, 0);
		return "the change does not end";
	}
	if (status)
		return "the change ends by itself";
	if (is_traced(subject))
		return "it is still traced";
	kill(subject, SIGCONT);
	if (!goes_on(subject)) {
		siginfo_t end = { 0 };

		waitid(P_PID, (id_t)subject, &end, WEXITED | WNOHANG | WNOWAIT);
		if (!end.si_pid)
			return "it stands still";
		return act->may_end ? NULL : "it has died";
	}
	return shared->wrong ? "it has read another time" : NULL;
}

/* Returns what is wrong. */
static const char *try(void)
{
	const char *wrong;
	pid_t subject, changer;

	memset(shared, 0, sizeof(*shared));
	subject = fork();
	if (!subject && starts)
		become_program();
	if (!subject)
		be_subject(act->has_partner);
	shared->pid = subject;
	while (!starts && shared->readings < 10)
		sleep_ms(1);
	changer = fork();
	if (!changer && starts)
		start(subject);
	if (!changer)
		change(subject);
	wrong = judge(subject, changer);
	kill(subject, SIGKILL);
	waitpid(subject, NULL, 0);
	return wrong;
}

/* All steps of one act; returns how many went wrong. */
static int try_all(long stride)
{
	long tries = 0, done = 0, changed = 0, last = stride;
	int failed = 0;

	for (act_at = 1; act_at <= last; act_at += stride) {
		const char *wrong = try();

		tries++;
		done += shared->times_done;
		changed += !shared->error;
		if (shared->times_done)
			last = act_at + stride;
		if (!wrong)
			continue;
		printf("%s at step %ld: %s (%d)\n", act->name, act_at, wrong,
		       shared->error);
		failed++;
	}
	printf("%s: %ld tries, done in %ld, %ld changed\n", act->name, tries,
	       done, changed);
	fflush(stdout);
	return failed || !changed;
}

#define COUNT(acts) (sizeof(acts) / sizeof(*(acts)))

static int try_kind(const struct act *acts, size_t count, long stride)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		act = &acts[i];
		failed += try_all(stride);
	}
	return failed;
}

int main(int argc, char **argv)
{
	const char *text = getenv("TIMENSBPF_STRIDE");
	const char *kind = argc == 2 ? argv[1] : NULL;
	long stride = text ? strtol(text, NULL, 10) : 1;
	int failed = 0, file;

#ifdef __SANITIZE_ADDRESS__
	/* Its runtime is not made for processes that share memory, and signal
	 * handlers that execute programs. */
	puts("not under AddressSanitizer");
	return 77;
#endif
	own_path = "/proc/self/exe";
	if (kind && !strcmp(kind, "reads"))
		be_program();
	file = memfd_create("shared", 0);
	if (file < 0 || ftruncate(file, sizeof(*shared)) ||
	    dup2(file, SHARED_FD) < 0)
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	clock_page_injector(SLOT, &injector);
	act = &to_running[0];
	(void)!try();
	if (shared->error == -EPERM) {
		puts("processes may not be traced here");
		return 77;
	}
	if (!kind || !strcmp(kind, "changes"))
		failed += try_kind(to_running, COUNT(to_running), stride);
	starts = true;
	if (!kind || !strcmp(kind, "starts"))
		failed += try_kind(to_starting, COUNT(to_starting), 1);
	return failed != 0;
}
