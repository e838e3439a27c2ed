/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_stop_cost [--quick] [--json]: how long a running process is stopped
 * when its time is changed, by the number of its threads, natively and without
 * BPF. Asserts nothing about speed; fails if it could not measure, or the
 * process did not read the time that it should.
 *
 * Method. Threads of a process read the clock in tight loops, half of them; the
 * others sleep. A process of the patcher's priority gives it a clock page from
 * a memfd, and takes it back, in turns. What is measured is the library's
 * function from beginning to end: the process is stopped for a little less.
 * Time at which it did not succeed at once counts as well, and is told apart.
 * Without BPF the filters of each thread are looked at, even if there are none.
 */
#define _GNU_SOURCE
#include "clock_page.h"
#include "report.h"
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include "process/change.h"
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200
#define QUICK_ROUNDS 20
#define SLOT 1
#define BUDGET_MS 10000
#define PRIORITY 1 /* as in loader/process/patcher.c */

static const int thread_counts[] = { 1, 8, 32, 128 };

/* ---- The process that is changed ----------------------------------------- */

static void *read_clock(void *unused)
{
	struct timespec now;

	(void)unused;
	for (;;)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return NULL;
}

static void *sleep_long(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static int is_ahead(void)
{
	struct timespec image, host;

	clock_gettime(CLOCK_REALTIME, &image);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &host);
	return image.tv_sec - host.tv_sec >= CLOCK_PAGE_AHEAD;
}

/* Answers each byte with whether it is ahead. The first thread reads, too, in
 * a process of one. */
static __attribute__((noreturn)) void be_changed(int threads, int channel)
{
	pthread_t thread;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL,
				   i & 1 ? read_clock : sleep_long, NULL))
			_exit(1);
	while (read(channel, &byte, 1) == 1) {
		byte = (char)is_ahead();
		if (write(channel, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

struct subject {
	pid_t pid;
	int channel;
};

static struct subject subject_start(int threads)
{
	struct subject subject;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		die("socketpair: %s", strerror(errno));
	subject.pid = fork();
	if (!subject.pid) {
		close(ends[0]);
		be_changed(threads, ends[1]);
	}
	close(ends[1]);
	subject.channel = ends[0];
	return subject;
}

static bool subject_is_ahead(const struct subject *subject)
{
	char byte = 0;

	if (write(subject->channel, &byte, 1) != 1 ||
	    read(subject->channel, &byte, 1) != 1)
		die("the process that is changed has ended");
	return byte;
}

static void subject_stop(const struct subject *subject)
{
	kill(subject->pid, SIGKILL);
	close(subject->channel);
	waitpid(subject->pid, NULL, 0);
}

/* ---- Changing it --------------------------------------------------------- */

/* Shared with the process that does it. */
struct tally {
	double ns[2 * ROUNDS];
	size_t count, again;
	int err;
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int change(const struct tnb_injector *injector, pid_t pid, __u32 slot,
		  struct tally *tally)
{
	const struct tnb_placement in_slot = { .slot = slot,
					       .pass = slot ? CLOCK_PAGE_PASS
							    : 0 };
	struct tnb_view live;
	char path[32];
	int proc, err;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	do {
		double begin;

		err = tnb_view_take(pid, proc, &live);
		begin = now_ns();
		if (!err)
			err = tnb_change_running(injector, &live, &in_slot,
						 proc, BUDGET_MS);
		if (err == -EAGAIN)
			tally->again++;
		else if (!err)
			tally->ns[tally->count++] = now_ns() - begin;
	} while (err == -EAGAIN);
	close(proc);
	return err;
}

static void operate(const struct tnb_injector *injector,
		    const struct subject *subject, int rounds,
		    struct tally *tally)
{
	const struct sched_param param = { .sched_priority = PRIORITY };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("sched_setscheduler: %s", strerror(errno));
	for (int i = 0; i < rounds && !tally->err; i++) {
		tally->err = change(injector, subject->pid, SLOT, tally);
		if (!tally->err && !subject_is_ahead(subject))
			die("a process that was changed reads the host's time");
		if (!tally->err)
			tally->err = change(injector, subject->pid, 0, tally);
		if (!tally->err && subject_is_ahead(subject))
			die("a process that was changed back is ahead");
	}
	_exit(0);
}

static void measure(const struct tnb_injector *injector, int threads,
		    int rounds)
{
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct subject subject = subject_start(threads);
	struct samples samples = { 0 };
	pid_t patcher;
	char label[64];
	int status;

	if (tally == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	subject_is_ahead(&subject); /* all its threads have begun */
	patcher = fork();
	if (!patcher)
		operate(injector, &subject, rounds, tally);
	if (patcher < 0 || waitpid(patcher, &status, 0) != patcher || status ||
	    tally->err)
		die("%d threads: %s", threads, strerror(-tally->err));
	subject_stop(&subject);
	for (size_t i = 0; i < tally->count; i++)
		samples_add(&samples, tally->ns[i]);
	snprintf(label, sizeof(label), "stop of %d threads, median", threads);
	report_time(REPORT_BRIEF, label, samples_median(&samples), NAN);
	snprintf(label, sizeof(label), "stop of %d threads, 99%%", threads);
	report_time(REPORT_DETAIL, label, samples_quantile(&samples, 0.99),
		    NAN);
	report_text(REPORT_DETAIL, "tries that were given up", "%zu",
		    tally->again);
	free(samples.value);
	munmap(tally, sizeof(*tally));
}

int main(int argc, char **argv)
{
	struct tnb_injector injector;
	int rounds = ROUNDS;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick"))
			rounds = QUICK_ROUNDS;
		else if (!strcmp(argv[i], "--json"))
			json = true;
		else
			die("usage: bench_stop_cost [--quick] [--json]");
	}
	clock_page_injector(SLOT, &injector);
	report_section("A running process, changed");
	for (size_t i = 0; i < sizeof(thread_counts) / sizeof(*thread_counts);
	     i++)
		measure(&injector, thread_counts[i], rounds);
	report_note("Half of the threads read the clock in tight loops.");
	report_print(json);
	return 0;
}
