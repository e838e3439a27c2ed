/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When this loader ends. While its own run lives it does not look at SIGTERM,
 * which may be meant for that run. Then it serves the other runs, until it has
 * the lock of runs alone. It keeps the lock until it no longer serves: a run
 * that begins meanwhile waits, and starts its own. Where it ends in another
 * way, the runs see that it is gone (cli/keep_loader.c).
 */
#define _GNU_SOURCE
#include "attached.h"

#include "runs.h"
#include "service/loader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* What the run is told, besides text (cli/own_loader.c). */
static const char serves[] = { 0 }, goes_on[] = { 1 };

/* Between two looks at the locks, and how many of them there are from one look
 * at the programs to the next. */
#define LOOK_MS 100
#define LOOKS_PER_CHECK 10

struct attached {
	struct tnb_loader *loader;
	int runs; /* see runs.h */
	unsigned int looks;
	int before; /* the previous result of tnb_loader_check() */
};

static bool is_socket(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISSOCK(status.st_mode);
}

/* As in the daemon (watch.c), the second bad result in a row counts. */
static bool programs_are_gone(struct attached *attached)
{
	int was = attached->before;

	if (++attached->looks % LOOKS_PER_CHECK)
		return false;
	attached->before = tnb_loader_check(attached->loader);
	return was && attached->before;
}

static bool must_end(struct attached *attached)
{
	return runs_daemon_waits(attached->runs) || programs_are_gone(attached);
}

/* Returns whether its end is why. */
static bool serve_caller(struct attached *attached)
{
	struct pollfd caller = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t count;
	char byte;

	while (!must_end(attached)) {
		if (poll(&caller, 1, LOOK_MS) <= 0)
			continue;
		count = read(STDIN_FILENO, &byte, 1);
		if (!count || (count < 0 && errno != EINTR))
			return true;
	}
	return false;
}

static bool is_asked_to_end(void)
{
	const struct timespec wait = { .tv_nsec = LOOK_MS * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	return sigtimedwait(&set, NULL, &wait) == SIGTERM;
}

/* The run has ended: a reader of its errors shall not wait for us. */
static void let_go_of_caller(void)
{
	dup2(STDOUT_FILENO, STDERR_FILENO);
	(void)!write(STDIN_FILENO, goes_on, sizeof(goes_on));
	dup2(STDOUT_FILENO, STDIN_FILENO);
}

static void serve_others(struct attached *attached)
{
	if (runs_are_over(attached->runs))
		return;
	let_go_of_caller();
	while (!is_asked_to_end() && !must_end(attached) &&
	       !runs_are_over(attached->runs))
		;
}

static void serve(struct attached *attached)
{
	if (write(STDIN_FILENO, serves, sizeof(serves)) != sizeof(serves) ||
	    serve_caller(attached))
		serve_others(attached);
}

static void block_sigterm(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int start(struct attached *attached)
{
	int err;

	attached->runs = runs_open();
	if (attached->runs < 0 && attached->runs != -EBUSY)
		dprintf(STDIN_FILENO, "cannot use the lock of runs: %s",
			strerror(-attached->runs));
	if (attached->runs < 0)
		return attached->runs;
	err = tnb_loader_start(&attached->loader);
	if (err && err != -EBUSY)
		dprintf(STDIN_FILENO, "%s", tnb_error_message());
	return err;
}

int attached_serve(void)
{
	struct attached attached = { .runs = -1 };
	int err;

	if (!is_socket(STDIN_FILENO)) {
		fprintf(stderr,
			"timensbpfd: --attached is for 'timensbpf run' only\n");
		return EXIT_USAGE;
	}
	/* The caller may be gone already, its directory about to be. */
	signal(SIGPIPE, SIG_IGN);
	(void)!chdir("/");
	block_sigterm();
	err = start(&attached);
	if (!err)
		serve(&attached);
	tnb_loader_stop(&attached.loader);
	/* Only now may a run find that there is none. */
	if (attached.runs >= 0)
		close(attached.runs);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
