/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>
#include <x86intrin.h>

#define CALIBRATION_NS 200000000L

#define OP_KEY(NAME, key, label, kind, calls) #key,
const char *const op_key[OPS] = { BENCH_OPS(OP_KEY) };
#define OP_LABEL(NAME, key, label, kind, calls) label,
const char *const op_label[OPS] = { BENCH_OPS(OP_LABEL) };
#define OP_CALLS(NAME, key, label, kind, calls) calls,
static const uint32_t op_calls[OPS] = { BENCH_OPS(OP_CALLS) };

void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* ---- Workers ----------------------------------------------------------- */

void pin_to_one_cpu(void)
{
	cpu_set_t allowed, last;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		die("sched_getaffinity: %s", strerror(errno));
	CPU_ZERO(&last);
	for (int cpu = CPU_SETSIZE - 1; !CPU_COUNT(&last); cpu--)
		if (CPU_ISSET(cpu, &allowed))
			CPU_SET(cpu, &last);
	if (sched_setaffinity(0, sizeof(last), &last))
		die("sched_setaffinity: %s", strerror(errno));
}

void program_path(char path[PATH_MAX], const char *name)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length < 0)
		die("/proc/self/exe: %s", strerror(errno));
	path[length] = '\0';
	slash = strrchr(path, '/') + 1;
	snprintf(slash, (size_t)(path + PATH_MAX - slash), "%s", name);
}

static __attribute__((noreturn)) void worker_become(const char *cgroup,
						    int requests, int replies)
{
	char worker[PATH_MAX], spawned[PATH_MAX];
	char *const argv[] = { worker, spawned, NULL };

	program_path(worker, "bench_worker");
	program_path(spawned, "bench_nothing");
	if (cgroup && tnb_cgroup_enter(cgroup))
		die("%s", tnb_error_message());
	dup2(requests, STDIN_FILENO);
	dup2(replies, STDOUT_FILENO);
	execv(worker, argv);
	die("%s: %s", worker, strerror(errno));
}

void worker_start(struct worker *worker, const char *cgroup)
{
	int requests[2], replies[2];

	if (pipe2(requests, O_CLOEXEC) || pipe2(replies, O_CLOEXEC))
		die("pipe2: %s", strerror(errno));
	worker->pid = fork();
	if (worker->pid < 0)
		die("fork: %s", strerror(errno));
	if (!worker->pid)
		worker_become(cgroup, requests[0], replies[1]);
	close(requests[0]);
	close(replies[1]);
	worker->to = requests[1];
	worker->from = replies[0];
}

void worker_stop(struct worker *worker)
{
	close(worker->to);
	close(worker->from);
	waitpid(worker->pid, NULL, 0);
	worker->pid = 0;
}

struct turn_reply worker_ask(const struct worker *worker, enum op op,
			     uint32_t calls)
{
	const struct turn_request request = { .op = op, .calls = calls };
	struct turn_reply reply;

	if (write(worker->to, &request, sizeof(request)) !=
		    (ssize_t)sizeof(request) ||
	    read(worker->from, &reply, sizeof(reply)) != (ssize_t)sizeof(reply))
		die("a worker is gone, it was asked for %s", op_label[op]);
	return reply;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static double cycles_per_ns(void)
{
	static double rate;
	int64_t begin, end;
	uint64_t cycles;

	if (rate > 0)
		return rate;
	cycles = __rdtsc();
	begin = now_ns();
	do
		end = now_ns();
	while (end - begin < CALIBRATION_NS);
	rate = (double)(__rdtsc() - cycles) / (double)(end - begin);
	return rate;
}

double worker_time(const struct worker *worker, enum op op)
{
	struct turn_reply reply = worker_ask(worker, op, op_calls[op]);

	return (double)reply.cycles / cycles_per_ns() / op_calls[op];
}

/* ---- Samples ----------------------------------------------------------- */

void samples_add(struct samples *samples, double value)
{
	if (samples->count == samples->space) {
		samples->space = samples->space ? 2 * samples->space : 256;
		samples->value =
			realloc(samples->value, samples->space * sizeof(value));
		if (!samples->value)
			die("out of memory");
	}
	samples->value[samples->count++] = value;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double samples_quantile(struct samples *samples, double part)
{
	if (!samples->count)
		return NAN;
	qsort(samples->value, samples->count, sizeof(double), by_value);
	return samples->value[(size_t)(part * (double)(samples->count - 1))];
}

double samples_median(struct samples *samples)
{
	return samples_quantile(samples, 0.5);
}
