/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline_restart
 *   Waits until a time that are interrupted and go on: by a signal whose
 *   handler asks for a restart, by a stop, by a tracer, by the cgroup freezer.
 *   The kernel restarts some of them from what it remembers, and makes others
 *   anew from the caller's memory.
 *
 * Prints "ok NAME", "bad NAME: reason" or "absent NAME" for each door, clock
 * and interruption.
 */
#define _GNU_SOURCE
#include "deadlines.h"
#include "tolerance.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUTURE_NS (1200 * NS_PER_MS)
#define INTERRUPTIONS 3

/* What the one who waits tells. */
struct told {
	atomic_int waits, handled, calls;
	atomic_bool done;
	long result;
	int64_t deadline, after;
	bool unchanged;
	uint32_t word;
};

struct job {
	const struct restart_door *door;
	const struct clock *clock;
	const struct abi *abi;
	const struct interruption *interruption;
	struct told *told;
	pid_t pid;
	int queue;
	char freezer[512]; /* the cgroup */
};

/* ---- Doors ------------------------------------------------------------- */

struct restart_door {
	const char *name;
	enum call call;
	unsigned clocks;
	long fired;
	long (*wait)(const struct job *job, long nr, void *time);
};

static long wait_nanosleep(const struct job *job, long nr, void *time)
{
	return job->abi->call(nr, job->clock->id, 1, (long)time, 0, 0, 0);
}

static long wait_bitset(const struct job *job, long nr, void *time)
{
	long op = 9 | (job->clock->id == RAW_REALTIME ? 256 : 0);

	return job->abi->call(nr, (long)&job->told->word, op, 0, (long)time, 0,
			      0xffffffffL);
}

/* Held by the parent. */
static long wait_lock_pi(const struct job *job, long nr, void *time)
{
	job->told->word = (uint32_t)getppid();
	return job->abi->call(nr, (long)&job->told->word, 6, 0, (long)time, 0,
			      0);
}

static long wait_mq(const struct job *job, long nr, void *time)
{
	return job->abi->call(nr, job->queue, (long)&job->told->word, 8, 0,
			      (long)time, 0);
}

static const struct restart_door doors[] = {
	{ "clock_nanosleep", CALL_CLOCK_NANOSLEEP, R | M | B, 0,
	  wait_nanosleep },
	{ "futex_wait_bitset", CALL_FUTEX, R | M, -ETIMEDOUT, wait_bitset },
	{ "futex_lock_pi", CALL_FUTEX, R, -ETIMEDOUT, wait_lock_pi },
	{ "mq_timedreceive", CALL_MQ_RECEIVE, R, -ETIMEDOUT, wait_mq },
};
#define DOORS ((int)(sizeof(doors) / sizeof(*doors)))

/* ---- The one who waits ------------------------------------------------- */

static struct told *handler_told;

static void handle(int signal)
{
	(void)signal;
	atomic_fetch_add(&handler_told->handled, 1);
}

static int queue_open(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "tnb-restart-%d", (int)getpid());
	fd = (int)syscall(SYS_mq_open, name, O_RDWR | O_CREAT | O_EXCL, 0600,
			  &attr);
	syscall(SYS_mq_unlink, name);
	return fd;
}

static void wait_it_out(struct job *job)
{
	struct sigaction action = { .sa_handler = handle,
				    .sa_flags = SA_RESTART };
	struct told *told = job->told;
	long nr = job->abi->nr[job->door->call];
	struct argument argument;
	unsigned char bytes[16];
	size_t size;

	handler_told = told;
	sigaction(SIGUSR1, &action, NULL);
	told->deadline = clock_now(job->clock->base) + FUTURE_NS;
	size = time_put(job->abi, bytes, told->deadline / NS_PER_S,
			told->deadline % NS_PER_S);
	argument_make(&argument, PLAIN, bytes, size);
	atomic_store(&told->waits, 1);
	do {
		atomic_fetch_add(&told->calls, 1);
		told->result = job->door->wait(job, nr, argument.time);
		/* Absolute waits need not restart themselves. */
	} while (told->result == -EINTR);
	told->after = clock_now(job->clock->base);
	atomic_store(&told->done, true);
	told->unchanged = argument_unchanged(&argument);
	_exit(0);
}

/* ---- Interruptions ----------------------------------------------------- */

/* false: it was too late for that, or failed. */
struct interruption {
	const char *name;
	bool (*interrupt)(struct job *job);
};

static char state_of(pid_t pid)
{
	char path[64], line[256], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return state;
	if (fgets(line, sizeof(line), file) && strrchr(line, ')'))
		state = strrchr(line, ')')[2];
	fclose(file);
	return state;
}

static bool is_limit(int64_t limit)
{
	poll(NULL, 0, 1);
	return clock_now(RAW_MONOTONIC_RAW) > limit;
}

static int64_t limit_from_now(void)
{
	return clock_now(RAW_MONOTONIC_RAW) + 2 * LATE_NS;
}

/* It sleeps nowhere else. */
static bool is_waiting(const struct job *job)
{
	int64_t limit = limit_from_now();

	while (!atomic_load(&job->told->waits) || state_of(job->pid) != 'S')
		if (atomic_load(&job->told->done) || is_limit(limit))
			return false;
	return true;
}

static bool by_signal(struct job *job)
{
	int before = atomic_load(&job->told->handled);
	int64_t limit = limit_from_now();

	kill(job->pid, SIGUSR1);
	while (atomic_load(&job->told->handled) == before)
		if (is_limit(limit))
			return false;
	return true;
}

static bool by_stop(struct job *job)
{
	int status;

	kill(job->pid, SIGSTOP);
	if (waitpid(job->pid, &status, WUNTRACED) != job->pid ||
	    !WIFSTOPPED(status))
		return false;
	kill(job->pid, SIGCONT);
	return waitpid(job->pid, &status, WCONTINUED) == job->pid;
}

static bool by_tracer(struct job *job)
{
	int status;

	if (ptrace(PTRACE_SEIZE, job->pid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, job->pid, NULL, NULL) ||
	    waitpid(job->pid, &status, __WALL) != job->pid ||
	    !WIFSTOPPED(status))
		return false;
	return !ptrace(PTRACE_DETACH, job->pid, NULL, NULL);
}

static bool cgroup_write(const char *dir, const char *name, const char *text)
{
	size_t length = strlen(text);
	char path[600];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, length) == (ssize_t)length;
	close(fd);
	return written;
}

static bool becomes_frozen(const char *dir, int frozen)
{
	int64_t limit = limit_from_now();
	char path[600], line[64];
	int value;

	snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	do {
		FILE *file = fopen(path, "re");

		value = -1;
		while (file && fgets(line, sizeof(line), file))
			sscanf(line, "frozen %d", &value);
		if (file)
			fclose(file);
	} while (value != frozen && !is_limit(limit));
	return value == frozen;
}

static bool by_freezer(struct job *job)
{
	return cgroup_write(job->freezer, "cgroup.freeze", "1") &&
	       becomes_frozen(job->freezer, 1) &&
	       cgroup_write(job->freezer, "cgroup.freeze", "0") &&
	       becomes_frozen(job->freezer, 0);
}

static const struct interruption interruptions[] = {
	{ "none", NULL },	 { "signal", by_signal },   { "stop", by_stop },
	{ "ptrace", by_tracer }, { "freezer", by_freezer },
};
#define KINDS ((int)(sizeof(interruptions) / sizeof(*interruptions)))

/* ---- The freezer ------------------------------------------------------- */

/* A cgroup of its own below ours, so that the same rule holds there. */
static bool freezer_make(struct job *job)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[256], pid[16];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "0::", 3);
	if (file)
		fclose(file);
	if (!found)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(job->freezer, sizeof(job->freezer),
		 "/sys/fs/cgroup%s/freezer-%d", line + 3, (int)job->pid);
	snprintf(pid, sizeof(pid), "%d", (int)job->pid);
	if (mkdir(job->freezer, 0755))
		return false;
	if (cgroup_write(job->freezer, "cgroup.procs", pid))
		return true;
	/* No cgroup v2 here. */
	rmdir(job->freezer);
	return false;
}

/* ---- Judging ----------------------------------------------------------- */

static void print(const struct job *job, const char *verdict, const char *why)
{
	/* One write: others print at the same time. */
	dprintf(STDOUT_FILENO, "%s %s%s%s-%s-%s%s%s\n", verdict,
		job->abi->prefix, job->door->name, job->abi->suffix,
		job->clock->name, job->interruption->name, *why ? ": " : "",
		why);
}

/* False if it had to be ended. */
static bool ends(struct job *job)
{
	int64_t limit = limit_from_now();
	bool ended = false;

	while (!ended && !is_limit(limit))
		ended = waitpid(job->pid, NULL, WNOHANG) == job->pid;
	if (!ended) {
		kill(job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
	}
	return ended;
}

static void judge(const struct job *job, bool ended, int times)
{
	const struct told *told = job->told;
	char why[128] = "";

	if (!ended)
		snprintf(why, sizeof(why), "did not fire, %d interruptions",
			 times);
	else if (told->result != job->door->fired)
		snprintf(why, sizeof(why), "returned %ld", told->result);
	else if (told->after < told->deadline)
		snprintf(why, sizeof(why), "%lld ns early",
			 (long long)(told->deadline - told->after));
	else if (told->after > told->deadline + LATE_NS)
		snprintf(why, sizeof(why), "%lld ns late",
			 (long long)(told->after - told->deadline));
	else if (!told->unchanged)
		snprintf(why, sizeof(why), "memory changed");
	else if (job->interruption->interrupt && !times)
		snprintf(why, sizeof(why), "was not interrupted");
	print(job, *why ? "bad" : "ok", why);
}

static int interrupt_it(struct job *job)
{
	int times = 0;

	if (!job->interruption->interrupt)
		return 0;
	while (times < INTERRUPTIONS && is_waiting(job) &&
	       job->interruption->interrupt(job))
		times++;
	return times;
}

static void run_job(struct job *job)
{
	bool freezer = job->interruption->interrupt == by_freezer;
	int start[2], times;
	char byte = 0;

	job->told = low_pages(4096);
	/* Both see it; below 4 GiB it stays. */
	job->told = mmap(job->told, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	job->queue = queue_open();
	if (job->told == MAP_FAILED || pipe(start) ||
	    (job->door->call == CALL_MQ_RECEIVE && job->queue < 0)) {
		print(job, "absent", "");
		return;
	}
	job->pid = fork();
	if (!job->pid) {
		if (read(start[0], &byte, 1) == 1)
			wait_it_out(job);
		_exit(1);
	}
	if (freezer && !freezer_make(job)) {
		print(job, "absent", "");
		kill(job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
		return;
	}
	if (write(start[1], &byte, 1) != 1)
		perror("write");
	times = interrupt_it(job);
	judge(job, ends(job), times);
	if (freezer)
		rmdir(job->freezer);
}

static int run_door(const struct restart_door *door, const struct clock *clock)
{
	int jobs = 0;

	for (int a = 0; a < abi_count; a++)
		for (int k = 0; k < KINDS; k++) {
			struct job job = { .door = door,
					   .clock = clock,
					   .abi = &abis[a],
					   .interruption = &interruptions[k] };

			if (!job.abi->nr[door->call])
				continue;
			jobs++;
			if (fork())
				continue;
			run_job(&job);
			_exit(0);
		}
	return jobs;
}

int main(void)
{
	for (int d = 0; d < DOORS; d++)
		for (int c = 0; c < CLOCKS; c++) {
			int jobs = 0;

			if (doors[d].clocks & (1u << c))
				jobs = run_door(&doors[d], &clocks[c]);
			while (jobs-- > 0)
				wait(NULL);
		}
	return 0;
}
