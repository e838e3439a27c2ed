/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadlines [--writable | --held] [--only REGEX] [--offset R,M,B]
 *   Every door by which a process passes a time to wait for, with good and bad
 *   times in all kinds of memory, judged by the process's own clock. --only
 *   chooses doors by DOOR-CLOCK, the offsets (nanoseconds of REALTIME,
 *   MONOTONIC, BOOTTIME) are those of its rule, for the deadline that is zero
 *   for the host. --writable leaves out memory that cannot be written: waits
 *   whose deadline is not translated there take seconds each. --held: only
 *   memory that can be once the thread is held, one door at a time.
 *
 * Prints a line for each door, clock and case (DOOR-CLOCK-CASE):
 *   ok NAME
 *   bad NAME: reason
 *   absent DOOR-CLOCK	the kernel does not have it
 *   errno NAME VALUE	what a wrong time returns: no judgement
 * Status 0 if it could run.
 */
#define _GNU_SOURCE
#include "deadlines.h"
#include "tolerance.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUTURE_NS (40 * NS_PER_MS)
#define RELATIVE_NS (30 * NS_PER_MS)
#define INTERVAL_NS (20 * NS_PER_MS)
#define FAR_WAIT_NS (50 * NS_PER_MS)
#define HANG_NS (LATE_NS + 500 * NS_PER_MS)
/* Once a door hung, the cases after it need not take as long. */
#define HANG_AGAIN_NS NS_PER_S
#define DOOR_MAX_S 60
#define PROCESSES 24

static int64_t offsets[3];
static int hangs;

/* ---- Output -------------------------------------------------------------- */

static void print_name(const struct trial *t, const char *name)
{
	printf("%s%s%s-%s%s%s", t->abi->prefix, t->door->name,
	       t->abi->modern && t->door->call >= CALL_MODERN ? ""
							      : t->abi->suffix,
	       t->clock->name, *name ? "-" : "", name);
}

void report(const struct trial *trial, const char *name, const char *wrong)
{
	printf(wrong ? "bad " : "ok ");
	print_name(trial, name);
	if (wrong)
		printf(": %s", wrong);
	printf("\n");
}

void report_errno(const struct trial *trial, const char *name, long result)
{
	printf("errno ");
	print_name(trial, name);
	/* PI futexes return 0 when they are let go. */
	if (watch_has_ended() && (result == -EINTR || !result))
		printf(" hung\n");
	else
		printf(" %ld\n", result);
}

/* ---- A case -------------------------------------------------------------- */

enum expect { FIRES, NEVER, ERRNO };

struct test {
	const char *name;
	enum expect expect;
	enum memory memory;
	int64_t sec, nsec;
	int64_t interval_nsec; /* one that is no good */
	bool by_pointer;
	void *pointer;
};

struct outcome {
	long result;
	int64_t before, after;
	bool ended, unchanged;
};

static size_t time_bytes(const struct trial *t, const struct test *test,
			 unsigned char *bytes)
{
	int64_t interval = t->interval + test->interval_nsec;
	size_t size = 0;

	if (t->door->flags & ITIMERSPEC)
		size = time_put(t->abi, bytes, 0, interval);
	return size + time_put(t->abi, bytes + size, test->sec, test->nsec);
}

static int64_t limit(const struct test *test)
{
	if (test->expect == NEVER)
		return FAR_WAIT_NS;
	return hangs && test->expect == FIRES ? HANG_AGAIN_NS : HANG_NS;
}

static void perform(struct trial *t, const struct test *test,
		    struct outcome *outcome)
{
	int ret;

	t->fd = t->pipe[0] = t->ring.fd = -1;
	t->expirations = 0;
	ret = t->door->begin ? t->door->begin(t) : 0;
	outcome->before = clock_now(t->clock->base);
	watch_begin(limit(test), t->door->end, t);
	outcome->result = ret ? ret : t->door->wait(t);
	outcome->after = clock_now(t->clock->base);
	outcome->ended = watch_end();
	if (t->door->finish)
		t->door->finish(t);
	if (outcome->ended && test->expect == FIRES)
		hangs++;
}

static int64_t deadline_of(const struct trial *t, const struct test *test,
			   const struct outcome *outcome)
{
	int64_t ns = test->sec * NS_PER_S + (uint32_t)test->nsec;

	return t->door->flags & RELATIVE ? outcome->before + ns : ns;
}

/* The words of it in `wrong`; none: it fired as it should. */
static void judge_fired(const struct trial *t, const struct test *test,
			const struct outcome *outcome, char *wrong, size_t size)
{
	int64_t deadline = deadline_of(t, test, outcome), most = 1;
	int64_t latest = outcome->before > deadline ? outcome->before
						    : deadline;

	if (t->interval)
		most += (outcome->after - deadline) / t->interval;
	if (outcome->ended)
		snprintf(wrong, size, "did not fire");
	else if (outcome->result != t->door->fired)
		snprintf(wrong, size, "returned %ld", outcome->result);
	else if (outcome->after < deadline)
		snprintf(wrong, size, "%" PRId64 " ns early",
			 deadline - outcome->after);
	else if (outcome->after > latest + 3 * t->interval + LATE_NS)
		snprintf(wrong, size, "%" PRId64 " ns late",
			 outcome->after - latest);
	else if ((int64_t)t->expirations > most)
		snprintf(wrong, size, "%" PRIu64 " expirations, not %" PRId64,
			 t->expirations, most);
}

static void judge(const struct trial *t, const struct test *test,
		  const struct outcome *outcome)
{
	char wrong[128] = "";

	if (test->expect == FIRES)
		judge_fired(t, test, outcome, wrong, sizeof(wrong));
	else if (test->expect == NEVER && !outcome->ended)
		snprintf(wrong, sizeof(wrong),
			 "returned %ld after %" PRId64 " ns", outcome->result,
			 outcome->after - outcome->before);
	if (!outcome->unchanged)
		strncat(wrong, *wrong ? ", memory changed" : "memory changed",
			sizeof(wrong) - strlen(wrong) - 1);
	if (test->expect == ERRNO && !*wrong)
		report_errno(t, test->name, outcome->result);
	else
		report(t, test->name, *wrong ? wrong : NULL);
}

static bool is_absent(const struct trial *t, long result)
{
	const int enotsupp = 524; /* the kernel's own */

	if (result == -EINVAL)
		return t->door->flags & ABSENT_IF_EINVAL;
	return result == -ENOSYS || result == -EOPNOTSUPP ||
	       result == -enotsupp;
}

/* False if there is no such door. */
static bool run_test(struct trial *t, const struct test *test)
{
	struct argument argument;
	struct outcome outcome;
	unsigned char bytes[32];
	size_t size;

	t->interval = t->door->flags & PERIODIC ? INTERVAL_NS : 0;
	size = time_bytes(t, test, bytes);
	argument_make(&argument, test->memory, bytes, size);
	t->time = test->by_pointer ? test->pointer : argument.time;
	perform(t, test, &outcome);
	outcome.unchanged = t->door->flags & WRITES_BACK ||
			    argument_unchanged(&argument);
	argument_free(&argument);
	if (test->expect == FIRES && is_absent(t, outcome.result)) {
		printf("absent ");
		print_name(t, "");
		printf("\n");
		return false;
	}
	judge(t, test, &outcome);
	return true;
}

/* ---- Cases --------------------------------------------------------------- */

static struct test good_time(const char *name, int64_t ns)
{
	return (struct test){ .name = name,
			      .sec = ns / NS_PER_S,
			      .nsec = ns % NS_PER_S };
}

static bool run_future(struct trial *t, const char *name, enum memory memory)
{
	int64_t ns = clock_now(t->clock->base) + FUTURE_NS;
	struct test test = good_time(name, ns);

	test.memory = memory;
	return run_test(t, &test);
}

static void run_padding(struct trial *t)
{
	int64_t ns = clock_now(t->clock->base) + FUTURE_NS;
	struct test test = good_time("padding", ns);

	test.nsec |= (int64_t)0x5ead00 << 32;
	run_test(t, &test);
}

static void run_past(struct trial *t)
{
	int64_t offset = offsets[t->clock->family];
	int64_t now = clock_now(t->clock->base);
	struct test past = good_time("past", now - NS_PER_S);
	struct test long_past = good_time("long-past", NS_PER_S);
	struct test at_offset = good_time("host-zero", offset);

	run_test(t, &past);
	run_test(t, &long_past);
	if (offset > 0 && !(t->abi->time32 && at_offset.sec > INT32_MAX))
		run_test(t, &at_offset);
}

static void run_far(struct trial *t)
{
	struct test most = { .name = "far-most",
			     .expect = NEVER,
			     .sec = t->abi->time32 ? INT32_MAX : INT64_MAX };
	struct test ktime = { .name = "far-ktime",
			      .expect = NEVER,
			      .sec = 9223372036LL,
			      .nsec = 999999999 };

	run_test(t, &most);
	if (!t->abi->time32)
		run_test(t, &ktime);
}

/* Nothing is ever mapped there. */
#define UNMAPPED ((void *)0x20000)

static void *no_access(void)
{
	static void *page;

	if (!page) {
		page = low_pages(4096);
		mprotect(page, 4096, PROT_NONE);
	}
	return page;
}

static void run_invalid(struct trial *t)
{
	/* io_uring takes any fraction: let it be a time in the past. */
	int64_t now = clock_now(t->clock->base) / NS_PER_S;
	int64_t sec = now > 10 ? now - 10 : 0;
	const struct test tests[] = {
		{ .name = "invalid-sec", .sec = -1 },
		{ .name = "invalid-sec-least",
		  .sec = t->abi->time32 ? INT32_MIN : INT64_MIN },
		{ .name = "invalid-nsec-negative", .sec = sec, .nsec = -1 },
		{ .name = "invalid-nsec", .sec = sec, .nsec = NS_PER_S },
		{ .name = "invalid-pointer",
		  .by_pointer = true,
		  .pointer = (void *)1 },
		{ .name = "invalid-unmapped",
		  .by_pointer = true,
		  .pointer = UNMAPPED },
		{ .name = "invalid-no-access",
		  .by_pointer = true,
		  .pointer = no_access() },
		{ .name = "invalid-null", .by_pointer = true },
		{ .name = "invalid-interval",
		  .sec = sec,
		  .interval_nsec = NS_PER_S },
	};
	const size_t count = sizeof(tests) / sizeof(*tests);

	for (size_t i = 0; i < count; i++) {
		struct test test = tests[i];

		if (test.by_pointer && !test.pointer &&
		    t->door->flags & NULL_WAITS)
			continue;
		if (test.interval_nsec && !(t->door->flags & ITIMERSPEC))
			continue;
		test.expect = ERRNO;
		run_test(t, &test);
	}
}

static void run_relative(struct trial *t)
{
	struct test test = good_time("relative", RELATIVE_NS);

	if (!run_test(t, &test))
		return;
	test.name = "relative-readonly";
	test.memory = READONLY;
	run_test(t, &test);
}

static bool writable_only, held_only;

static void run_held(struct trial *t)
{
	if (run_future(t, "untouched", UNTOUCHED))
		run_future(t, "forked", FORKED);
}

static void run_absolute(struct trial *t)
{
	if (!run_future(t, "future", PLAIN))
		return;
	run_past(t);
	run_far(t);
	if (t->abi->compat && !t->abi->time32 && t->door->call != CALL_IO_URING)
		run_padding(t);
	run_future(t, "across-pages", ACROSS_PAGES);
	if (!writable_only) {
		run_future(t, "readonly", READONLY);
		run_held(t);
	}
	if (t->door->more)
		t->door->more(t);
	run_invalid(t);
}

/* ---- Processes ----------------------------------------------------------- */

struct job {
	struct trial trial;
	pid_t pid;
	int out;
};

static struct job jobs[512];
static int job_count;

static void run_job(struct job *job)
{
	dup2(job->out, STDOUT_FILENO);
	alarm(DOOR_MAX_S);
	watch_start();
	job->trial.words = low_pages(4096);
	if (job->trial.door->flags & RELATIVE)
		run_relative(&job->trial);
	else if (held_only)
		run_held(&job->trial);
	else
		run_absolute(&job->trial);
	fflush(stdout);
	_exit(0);
}

static void start_job(struct job *job)
{
	job->out = memfd_create("output", MFD_CLOEXEC);
	job->pid = job->out < 0 ? -1 : fork();
	if (job->pid < 0) {
		perror("deadlines");
		exit(1);
	}
	if (!job->pid)
		run_job(job);
}

static void print_job(const struct job *job, int status)
{
	char buffer[4096];
	ssize_t length;
	off_t at = 0;

	while ((length = pread(job->out, buffer, sizeof(buffer), at)) > 0) {
		fwrite(buffer, 1, (size_t)length, stdout);
		at += length;
	}
	if (status)
		report(&job->trial, "end", "the door's process was ended");
	close(job->out);
	fflush(stdout);
}

static void end_one(void)
{
	int status = 0;
	pid_t pid = wait(&status);

	for (int i = 0; i < job_count; i++)
		if (jobs[i].pid == pid)
			print_job(&jobs[i], status);
}

static void run_jobs(void)
{
	int running = 0;

	for (int i = 0; i < job_count; i++) {
		if (running == (held_only ? 1 : PROCESSES))
			end_one();
		else
			running++;
		start_job(&jobs[i]);
	}
	for (; running; running--)
		end_one();
}

/* ---- Choice -------------------------------------------------------------- */

static bool is_chosen(const struct trial *t, const regex_t *only)
{
	char name[96];

	snprintf(name, sizeof(name), "%s%s%s-%s", t->abi->prefix, t->door->name,
		 t->door->call >= CALL_MODERN ? "" : t->abi->suffix,
		 t->clock->name);
	return !only || !regexec(only, name, 0, NULL, 0);
}

static void choose(const struct door *doors, int count, const regex_t *only)
{
	for (int i = 0; i < count; i++)
		for (int a = 0; a < abi_count; a++)
			for (int c = 0; c < CLOCKS; c++) {
				struct trial trial = {
					.door = &doors[i],
					.clock = &clocks[c],
					.abi = &abis[a],
					.nr = abis[a].nr[doors[i].call],
				};

				if (doors[i].clocks & (1u << c) && trial.nr &&
				    is_chosen(&trial, only))
					jobs[job_count++].trial = trial;
			}
}

static int usage(void)
{
	fprintf(stderr,
		"deadlines [--writable | --held] [--only REGEX] [--offset R,M,B]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const regex_t *only = NULL;
	regex_t compiled;

	writable_only = argc > 1 && !strcmp(argv[1], "--writable");
	held_only = argc > 1 && !strcmp(argv[1], "--held");
	if (writable_only || held_only) {
		argc--;
		argv++;
	}
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return usage();
		if (!strcmp(argv[i], "--only") &&
		    !regcomp(&compiled, argv[i + 1], REG_EXTENDED | REG_NOSUB))
			only = &compiled;
		else if (strcmp(argv[i], "--offset") ||
			 sscanf(argv[i + 1], "%" SCNd64 ",%" SCNd64 ",%" SCNd64,
				&offsets[0], &offsets[1], &offsets[2]) != 3)
			return usage();
	}
	choose(wait_doors, wait_door_count, only);
	choose(timer_doors, timer_door_count, only);
	choose(ring_doors, ring_door_count, only);
	run_jobs();
	return 0;
}
