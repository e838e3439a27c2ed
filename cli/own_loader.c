/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "own_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define NOTE "timensbpf: note: clocks are read by system calls: "

/* ---- The loader's side, before it is timensbpfd ------------------------ */

/* Where it was installed or built, seen from this program; else where this
 * build installs it. */
static const char *const places[] = { "../sbin/timensbpfd", "timensbpfd",
				      "../daemon/timensbpfd" };

static bool find_beside(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *end;

	self[length < 0 ? 0 : length] = '\0';
	end = strrchr(self, '/');
	for (size_t i = 0; end && i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, size, "%.*s/%s", (int)(end - self), self,
			 places[i]);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

/* Above standard error. Our caller may have closed one of the three, and what
 * is read or written there must not reach the file behind `fd`. */
static int move_up(int *fd)
{
	int up = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int err = up < 0 ? -errno : 0;

	close(*fd);
	*fd = up;
	return err;
}

static int connect_pair(int ends[2])
{
	int first, second;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	first = move_up(&ends[0]);
	second = move_up(&ends[1]);
	if (!first && !second)
		return 0;
	if (!first)
		close(ends[0]);
	if (!second)
		close(ends[1]);
	return first ? first : second;
}

static bool will_be_closed(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || flags & FD_CLOEXEC;
}

/*
 * Standard input is the connection, and standard error stays, for notes. All
 * else that we or our caller have open is closed: a reader of our output, for
 * one, would wait for the loader's end, too.
 */
static int arrange_fds(int caller)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || move_up(&null))
		return -errno;
	if (dup2(caller, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	if (will_be_closed(STDERR_FILENO) && dup2(null, STDERR_FILENO) < 0)
		return -errno;
	return close_range(STDERR_FILENO + 1, ~0U, 0) ? -errno : 0;
}

/* The loader ends when we do, not by signals that are meant for us. This is
 * done here because one may come before timensbpfd runs. SIGCHLD may be ignored
 * by our caller, but the loader needs the statuses of its children. */
static void arrange_signals(void)
{
	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

static _Noreturn void serve(int caller)
{
	char path[PATH_MAX + 32];
	char *const argv[] = { (char[]){ "timensbpfd" },
			       (char[]){ "--attached" }, NULL };

	if (!find_beside(path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", TIMENSBPFD_PATH);
	arrange_signals();
	if (!arrange_fds(caller))
		execv(path, argv);
	fprintf(stderr, NOTE "cannot start %s: %s\n", path, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* ---- Our side ------------------------------------------------------------ */

/* Returns the status as of waitpid(2); -1: unknown. */
static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* With one of the two usual statuses it has told the reason, if there is one to
 * tell. */
static void tell_end(int status)
{
	if (status < 0 ||
	    (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_FAILURE))
		return;
	if (WIFSIGNALED(status))
		fprintf(stderr, NOTE "timensbpfd was ended by signal %d\n",
			WTERMSIG(status));
	else
		fprintf(stderr, NOTE "timensbpfd ended with status %d\n",
			WEXITSTATUS(status));
}

static bool wait_until_it_serves(int life)
{
	char byte;
	ssize_t length;

	do
		length = read(life, &byte, 1);
	while (length < 0 && errno == EINTR);
	return length == 1;
}

static struct own_loader none(void)
{
	return (struct own_loader){ 0, -1 };
}

static struct own_loader cannot_start(int err)
{
	fprintf(stderr, NOTE "cannot start timensbpfd: %s\n", strerror(-err));
	return none();
}

struct own_loader own_loader_start(void)
{
	struct own_loader loader;
	int ends[2], err;

	if (tnb_loader_is_alive())
		return none();
	err = connect_pair(ends);
	if (err)
		return cannot_start(err);
	loader = (struct own_loader){ fork(), ends[0] };
	err = -errno;
	if (!loader.pid)
		serve(ends[1]);
	close(ends[1]);
	if (loader.pid > 0 && wait_until_it_serves(loader.life))
		return loader;
	close(loader.life);
	if (loader.pid < 0)
		return cannot_start(err);
	tell_end(reap(loader.pid));
	return none();
}

void own_loader_stop(struct own_loader *loader)
{
	if (loader->life >= 0)
		close(loader->life);
	if (loader->pid > 0)
		(void)reap(loader->pid);
	*loader = none();
}
