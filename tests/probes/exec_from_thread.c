/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_from_thread HOW PROGRAM [ARGUMENT…]: become PROGRAM
 *   thread     from a thread that is not the first, while the first reads the
 *              clock
 *   blocked    with all signals blocked
 *   ignored    with SIGTRAP, SIGSTOP's relatives and SIGCONT ignored
 *   mdwe       where memory that can be written can never be executed
 *   files      with no file descriptor left
 *   failing    after execs that fail late and early
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

static char **command;

static void *become(void *unused)
{
	(void)unused;
	execvp(command[0], command);
	perror("exec_from_thread");
	_exit(1);
}

static void from_thread(void)
{
	struct timespec now;
	pthread_t thread;

	pthread_create(&thread, NULL, become, NULL);
	for (;;)
		clock_gettime(CLOCK_MONOTONIC, &now);
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static void ignore_some(void)
{
	static const int some[] = { SIGTRAP, SIGTSTP, SIGTTIN,
				    SIGTTOU, SIGCONT, SIGCHLD };

	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		signal(some[i], SIG_IGN);
}

static void deny_writable_code(void)
{
	/* Absent before 6.3: the caller knows by this status. */
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0))
		exit(77);
}

/* The reading end of PROGRAM's output stays. */
static void take_all_files(void)
{
	const struct rlimit few = { 64, 64 };

	setrlimit(RLIMIT_NOFILE, &few);
	while (open("/dev/null", O_RDONLY) >= 0)
		;
}

/* A file without format fails after the loader was told of it. */
static void fail_often(void)
{
	char name[] = "/tmp/exec-fails-XXXXXX", *none[] = { name, NULL };
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, "no program\n", 11) != 11 || fchmod(fd, 0755) ||
	    close(fd))
		exit(1);
	for (int i = 0; i < 50; i++) {
		execv(name, none);
		execv("/nowhere", none);
	}
	unlink(name);
}

static const struct {
	const char *name;
	void (*prepare)(void);
} ways[] = {
	{ "thread", from_thread },   { "blocked", block_all },
	{ "ignored", ignore_some },  { "mdwe", deny_writable_code },
	{ "files", take_all_files }, { "failing", fail_often },
};

int main(int argc, char **argv)
{
	command = argv + 2;
	for (size_t i = 0; argc > 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].prepare();
			become(NULL);
		}
	fputs("usage: see its source\n", stderr);
	return 2;
}
