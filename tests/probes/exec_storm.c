/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_storm STREAMS EXECS [CHILD]: so many processes that start CHILD
 * (exec_child, or exec_ways) one after the other, so many times together, or
 * until SIGTERM. Prints one line of JSON: how many were fast, slow (right),
 * wrong; how often their parent saw one stopped or continued, by waitpid, as a
 * shell with job control would, or by a SIGCHLD that tells of no end; and the
 * longest life of one.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STREAMS_MAX 64
#define CHILD "/usr/local/lib/timensbpf/probes/exec_child"

static struct tally {
	uint64_t fast, slow, wrong, stopped, longest_ns;
} * tallies;
static volatile int *ended;	   /* shared, as the tallies are */
static volatile sig_atomic_t told; /* this stream: SIGCHLD without an end */

static void end(int number)
{
	(void)number;
	*ended = 1;
}

static void child_changed(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code != CLD_EXITED && info->si_code != CLD_KILLED &&
	    info->si_code != CLD_DUMPED)
		told++;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	syscall(SYS_clock_gettime, clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The first of each stream, with its status as waitpid(2) has it. */
static void tell_wrong(struct tally *tally, int status)
{
	if (!tally->wrong++)
		fprintf(stderr, "exec_storm: %s %d\n",
			WIFSIGNALED(status) ? "ended by signal" : "ended with",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
}

static void note(struct tally *tally, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		tally->fast++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		tally->slow++;
	else
		tell_wrong(tally, status);
}

static void start_one(struct tally *tally, const char *child)
{
	int64_t begin = now_ns(CLOCK_MONOTONIC), life;
	char parent[32];
	int status = 0;
	pid_t pid;

	snprintf(parent, sizeof(parent), "%lld",
		 (long long)now_ns(CLOCK_REALTIME));
	pid = vfork();
	if (!pid) {
		execl(child, child, parent, NULL);
		_exit(3);
	}
	while (waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid &&
	       (WIFSTOPPED(status) || WIFCONTINUED(status)))
		tally->stopped++;
	life = now_ns(CLOCK_MONOTONIC) - begin;
	if (life > (int64_t)tally->longest_ns)
		tally->longest_ns = (uint64_t)life;
	note(tally, status);
}

static void run_stream(struct tally *tally, long execs, const char *child)
{
	struct sigaction action = { .sa_sigaction = child_changed,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	sigaction(SIGCHLD, &action, NULL);
	for (long i = 0; i < execs && !*ended; i++)
		start_one(tally, child);
	tally->stopped += (uint64_t)told;
	_exit(0);
}

static void print(long streams)
{
	struct tally all = { 0 };

	for (long i = 0; i < streams; i++) {
		all.fast += tallies[i].fast;
		all.slow += tallies[i].slow;
		all.wrong += tallies[i].wrong;
		all.stopped += tallies[i].stopped;
		if (tallies[i].longest_ns > all.longest_ns)
			all.longest_ns = tallies[i].longest_ns;
	}
	printf("{\"fast\":%llu,\"slow\":%llu,\"wrong\":%llu,\"stopped\":%llu,\"longest_us\":%llu}\n",
	       (unsigned long long)all.fast, (unsigned long long)all.slow,
	       (unsigned long long)all.wrong, (unsigned long long)all.stopped,
	       (unsigned long long)all.longest_ns / 1000);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end, .sa_flags = SA_RESTART };
	long streams = argc > 2 ? atol(argv[1]) : 0;
	long execs = argc > 2 ? atol(argv[2]) : 0;
	const char *child = argc > 3 ? argv[3] : CHILD;

	if (streams < 1 || streams > STREAMS_MAX || execs < streams) {
		fputs("usage: exec_storm STREAMS EXECS [CHILD]\n", stderr);
		return 2;
	}
	tallies = mmap(NULL, (STREAMS_MAX + 1) * sizeof(*tallies),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (tallies == MAP_FAILED)
		return 1;
	ended = (volatile int *)&tallies[STREAMS_MAX];
	sigaction(SIGTERM, &action, NULL);
	for (long i = 0; i < streams; i++)
		if (!fork())
			run_stream(&tallies[i], execs / streams, child);
	while (wait(NULL) > 0)
		;
	print(streams);
	return 0;
}
