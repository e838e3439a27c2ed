/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_exec_cost [--quick] [--json]: what the replacement vDSO adds to the
 * start of a program, natively and without BPF. Asserts nothing about speed;
 * fails if it could not measure, or a start was not fast.
 *
 * bench_exec_cost --flat STARTS: what that many starts leave in the tracer.
 *
 * Method. The smallest program is started again and again, in turn alone and
 * with a tracer that puts the replacement into it; what is compared are
 * medians. The tracer, a process of its own with the loader's priority, runs
 * the library's injector with a clock page from a memfd. One function is not
 * the library's: a BPF program holds a thread within exec until it is traced;
 * here the child tells of itself before, and waits until it is traced, which
 * takes one stop more. What that meeting costs is measured by starts that do
 * nothing else.
 */
#define _GNU_SOURCE
#include "clock_page.h"
#include "report.h"
#include "turns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include "inject/budget.h"
#include "process/start.h"
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define QUICK_ROUNDS 100
#define SLOT 1
#define HOLD TNB_HOLD_WORD(1, TNB_HOLD_WAITING)
#define IS_AHEAD "--is-ahead"
#define NS_PER_S 1000000000LL
/* Much longer than the loader's: a shared machine may stand still. */
#define START_BUDGET_MS 10000
#define TRACER_PRIORITY 1 /* as in daemon/service/tracer.c */

enum side { ALONE, MET, INJECTED, SIDES };

struct request {
	pid_t pid;
	unsigned int cpu;
	enum side side;
};

struct tracer {
	pid_t pid;
	int to, from; /* requests, and a byte for who may go on */
};

/* ---- The tracer -------------------------------------------------------- */

/* In the tracer: the other end of tracer.from. */
static int let_go_on = -1;

static void answer(void)
{
	if (write(let_go_on, "", 1) != 1)
		die("nobody waits for the tracer");
}

static int wait_for_exec(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		return -errno;
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8) ? 0 : -ESRCH;
}

/*
 * Takes the place of the library's, which cannot begin before the exec does.
 * The stop on the way to the first instruction is the same; the one at the end
 * of the exec comes before it. The linker puts it there (ld(1), --wrap).
 */
int __wrap_tnb_tracee_seize(pid_t tid, pid_t tgid, struct tnb_tracee *tracee,
			    unsigned int ms);
int __wrap_tnb_tracee_seize(pid_t tid, pid_t tgid, struct tnb_tracee *tracee,
			    unsigned int ms)
{
	int err;

	*tracee = (struct tnb_tracee){ .tid = tid, .tgid = tgid, .mem = -1 };
	if (ptrace(PTRACE_SEIZE, tid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC))
		return -errno;
	answer();
	err = tnb_budget_begin(ms);
	if (!err)
		err = wait_for_exec(tid);
	if (!err)
		err = tnb_tracee_interrupt(tracee);
	return err ? err : tnb_tracee_continue(tracee);
}

/* Of one hold only. */
static struct tnb_loader_state state;

static void serve(int requests, struct tnb_injector injector)
{
	struct request request;
	cpu_set_t cpus;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	while (read(requests, &request, sizeof(request)) ==
	       (ssize_t)sizeof(request)) {
		const struct tnb_loader_event exec = {
			.tid = (__u32)request.pid,
			.tgid = (__u32)request.pid,
			.slot = SLOT,
			.pass = CLOCK_PAGE_PASS,
			.hold = HOLD,
			.cpu = request.cpu,
		};
		struct tnb_outcome outcome;

		if (request.side == MET) {
			answer();
			continue;
		}
		injector.state = &state;
		state.hold[tnb_hold_index(HOLD)] = HOLD;
		outcome = tnb_start_program(&injector, &exec, START_BUDGET_MS);
		if (outcome.start != TNB_START_FAST)
			die("a start was not fast: %d, %d", outcome.start,
			    outcome.why);
		/* As daemon/service/tracer.c does. */
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	_exit(0);
}

static void tracer_start(struct tracer *tracer,
			 const struct tnb_injector *injector)
{
	const struct sched_param param = { .sched_priority = TRACER_PRIORITY };
	int requests[2], answers[2];

	if (pipe2(requests, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		die("pipe2: %s", strerror(errno));
	tracer->pid = fork();
	if (tracer->pid < 0)
		die("fork: %s", strerror(errno));
	tracer->to = requests[1];
	tracer->from = answers[0];
	if (!tracer->pid) {
		close(tracer->to);
		close(tracer->from);
		let_go_on = answers[1];
		if (sched_setscheduler(0, SCHED_FIFO, &param))
			die("sched_setscheduler: %s", strerror(errno));
		serve(requests[0], *injector);
	}
	close(requests[0]);
	close(answers[1]);
}

static void tracer_stop(struct tracer *tracer)
{
	close(tracer->to);
	close(tracer->from);
	waitpid(tracer->pid, NULL, 0);
}

/* ---- Starts ------------------------------------------------------------ */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static __attribute__((noreturn)) void become(const struct tracer *tracer,
					     enum side side, char *const argv[])
{
	const struct request request = { getpid(), (unsigned int)sched_getcpu(),
					 side };
	char byte;

	if (side != ALONE && (write(tracer->to, &request, sizeof(request)) !=
				      (ssize_t)sizeof(request) ||
			      read(tracer->from, &byte, 1) != 1))
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

/* In ns, from the fork to the end. */
static double start(const struct tracer *tracer, enum side side,
		    char *const argv[])
{
	int64_t begin = now_ns();
	pid_t child = fork();
	int status;

	if (!child)
		become(tracer, side, argv);
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("fork, waitpid: %s", strerror(errno));
	if (status)
		die("%s: status %#x", argv[0], (unsigned int)status);
	return (double)(now_ns() - begin);
}

/* In the program that is started: 0, the clock is the page's. */
static int is_ahead(void)
{
	struct timespec image, host;

	clock_gettime(CLOCK_REALTIME, &image);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &host);
	image.tv_sec -= host.tv_sec;
	return image.tv_sec < CLOCK_PAGE_AHEAD ||
	       image.tv_sec > CLOCK_PAGE_AHEAD + 5;
}

/* What is measured must be what it is called. */
static void check_is_ahead(const struct tracer *tracer)
{
	char self[PATH_MAX], option[] = IS_AHEAD;
	char *const argv[] = { self, option, NULL };

	program_path(self, "bench_exec_cost");
	start(tracer, INJECTED, argv);
}

static void measure(const struct tracer *tracer, int rounds, double ns[SIDES])
{
	struct samples samples[SIDES] = { 0 };
	char nothing[PATH_MAX];
	char *const argv[] = { nothing, NULL };

	program_path(nothing, "bench_nothing");
	for (int round = -1; round < rounds; round++)
		for (int turn = 0; turn < SIDES; turn++) {
			int side = (round + 1 + turn) % SIDES;
			double taken = start(tracer, (enum side)side, argv);

			if (round >= 0) /* the first warms up */
				samples_add(&samples[side], taken);
		}
	for (int side = 0; side < SIDES; side++) {
		ns[side] = samples_median(&samples[side]);
		free(samples[side].value);
	}
}

/* ---- Result ------------------------------------------------------------ */

static void report(const struct tnb_injector *injector, int rounds,
		   const char *where)
{
	static const char *const labels[SIDES] = {
		[ALONE] = "fork, exec, exit of a static program",
		[MET] = "... that meets the tracer first",
		[INJECTED] = "... that gets the replacement vDSO",
	};
	struct tracer tracer;
	double ns[SIDES];
	char label[96];

	tracer_start(&tracer, injector);
	if (!injector->vdsos->wide.why_raw[0])
		check_is_ahead(&tracer);
	measure(&tracer, rounds, ns);
	tracer_stop(&tracer);
	report_section(where);
	for (int side = 0; side < SIDES; side++) {
		snprintf(label, sizeof(label), "%s, %s", labels[side], where);
		report_time(REPORT_BRIEF, label, ns[side],
			    side == ALONE ? NAN : ns[ALONE]);
	}
}

/* ---- What starts leave behind ------------------------------------------ */

#define WARM_UP 1000

struct usage {
	long kib, files;
};

static long count_files(pid_t pid)
{
	char path[32];
	long count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static struct usage usage_of(pid_t pid)
{
	struct usage usage = { .files = count_files(pid) };
	char path[32], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %ld kB", &usage.kib);
	if (file)
		fclose(file);
	return usage;
}

static void start_many(const struct tracer *tracer, long starts)
{
	char nothing[PATH_MAX];
	char *const argv[] = { nothing, NULL };

	program_path(nothing, "bench_nothing");
	for (long i = 0; i < starts; i++)
		start(tracer, INJECTED, argv);
}

static int report_flat(const struct tnb_injector *injector, long starts)
{
	struct usage before, after;
	struct tracer tracer;

	tracer_start(&tracer, injector);
	start_many(&tracer, WARM_UP);
	before = usage_of(tracer.pid);
	start_many(&tracer, starts);
	after = usage_of(tracer.pid);
	tracer_stop(&tracer);
	printf("%ld starts, all fast: the tracer's memory %ld, then %ld KiB; open files %ld, then %ld\n",
	       starts, before.kib, after.kib, before.files, after.files);
	return after.files != before.files;
}

int main(int argc, char **argv)
{
	struct tnb_injector injector;
	int rounds = ROUNDS;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], IS_AHEAD))
			return is_ahead();
		if (!strcmp(argv[i], "--flat") && i + 1 < argc) {
			clock_page_injector(SLOT, &injector);
			return report_flat(&injector, atol(argv[i + 1]));
		}
		if (!strcmp(argv[i], "--quick"))
			rounds = QUICK_ROUNDS;
		else if (!strcmp(argv[i], "--json"))
			json = true;
		else
			die("usage: bench_exec_cost [--quick] [--json] | --flat STARTS");
	}
	clock_page_injector(SLOT, &injector);
	report(&injector, rounds, "all CPUs");
	pin_to_one_cpu();
	report(&injector, rounds, "one CPU");
	report_note("Medians. The meeting stands for the event by which BPF "
		    "tells the loader of an exec; it is part of the line below "
		    "it.");
	report_print(json);
	return 0;
}
