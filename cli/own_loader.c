/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "own_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* What the loader sends, besides text (daemon/attached.h). */
enum { SERVES = 0, GOES_ON = 1 };

#define STOP_MS 10000

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

/*
 * SIGTERM is meant for us as long as we live, and waits: the loader looks at it
 * when it serves others only. This is done here because one may come before
 * timensbpfd runs. SIGCHLD may be ignored by our caller, but the loader needs
 * the statuses of its children.
 */
static void arrange_signals(void)
{
	sigset_t blocked;

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Of our caller's environment the loader gets what it reads itself, and nothing
 * that a library might. */
static char **own_environment(void)
{
	static const char prefix[] = "TIMENSBPF_";
	char **to = environ;

	for (char **from = environ; from && *from; from++)
		if (!strncmp(*from, prefix, sizeof(prefix) - 1))
			*to++ = *from;
	if (to)
		*to = NULL;
	return environ;
}

static _Noreturn void serve(int caller)
{
	char path[PATH_MAX + 32];
	char *const argv[] = { (char[]){ "timensbpfd" },
			       (char[]){ "--attached" }, NULL };

	if (!find_beside(path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", TIMENSBPFD_PATH);
	arrange_signals();
	if (!arrange_fds(caller)) {
		caller = STDIN_FILENO;
		execve(path, argv, own_environment());
	}
	dprintf(caller, "cannot start %s: %s", path, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* ---- What it says -------------------------------------------------------- */

static struct own_loader none(void)
{
	return (struct own_loader){ .life = -1 };
}

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
static void note_end(struct own_loader *loader, int status)
{
	if (status < 0 || *loader->reason ||
	    (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_FAILURE))
		return;
	if (WIFSIGNALED(status))
		snprintf(loader->reason, sizeof(loader->reason),
			 "timensbpfd was ended by signal %d", WTERMSIG(status));
	else
		snprintf(loader->reason, sizeof(loader->reason),
			 "timensbpfd ended with status %d",
			 WEXITSTATUS(status));
}

static void it_has_ended(struct own_loader *loader)
{
	close(loader->life);
	loader->life = -1;
	note_end(loader, reap(loader->pid));
	loader->pid = 0;
	loader->serves = loader->goes_on = false;
}

static void take(struct own_loader *loader, const char *bytes, size_t count)
{
	size_t end = strlen(loader->reason);

	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == SERVES)
			loader->serves = true;
		else if (bytes[i] == GOES_ON)
			loader->goes_on = true;
		else if (end < sizeof(loader->reason) - 1)
			loader->reason[end++] = bytes[i];
	}
	loader->reason[end] = '\0';
}

/* One that goes on closes its side, too: that is not its end. */
bool own_loader_look(struct own_loader *loader)
{
	char bytes[256];
	ssize_t count;

	while (loader->life >= 0 && !loader->goes_on) {
		count = recv(loader->life, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (count > 0)
			take(loader, bytes, (size_t)count);
		else if (!count || (errno != EAGAIN && errno != EINTR))
			it_has_ended(loader);
		else if (errno == EAGAIN)
			break;
	}
	return loader->pid;
}

/* The kernel lets go of what it traces, the guard of what it holds. */
void own_loader_kill(struct own_loader *loader)
{
	if (!loader->pid)
		return;
	kill(loader->pid, SIGKILL);
	it_has_ended(loader);
	snprintf(loader->reason, sizeof(loader->reason),
		 "timensbpfd does not answer");
}

/* ---- Start and end ------------------------------------------------------- */

static void cannot_start(struct own_loader *loader, int err)
{
	snprintf(loader->reason, sizeof(loader->reason),
		 "cannot start timensbpfd: %s", strerror(-err));
}

/* Signals stay blocked until the child has handlers of its own. */
static pid_t fork_loader(const int ends[2])
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		serve(ends[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

void own_loader_begin(struct own_loader *loader)
{
	int ends[2], err;

	*loader = none();
	err = connect_pair(ends);
	if (err) {
		cannot_start(loader, err);
		return;
	}
	loader->pid = fork_loader(ends);
	err = -errno;
	close(ends[1]);
	if (loader->pid > 0) {
		loader->life = ends[0];
		return;
	}
	close(ends[0]);
	loader->pid = 0;
	cannot_start(loader, err);
}

/* Returns false if it says nothing for so long. */
static bool wait_for(struct own_loader *loader, int ms)
{
	struct pollfd life = { .fd = loader->life, .events = POLLIN };

	return poll(&life, 1, ms) != 0;
}

struct own_loader own_loader_start(void)
{
	struct own_loader loader = none();

	if (tnb_loader_is_alive())
		return loader;
	own_loader_begin(&loader);
	while (own_loader_look(&loader) && !loader.serves)
		if (!wait_for(&loader, OWN_LOADER_START_MS))
			own_loader_kill(&loader);
	return loader;
}

void own_loader_stop(struct own_loader *loader)
{
	if (loader->pid)
		shutdown(loader->life, SHUT_WR);
	while (own_loader_look(loader) && !loader->goes_on)
		if (!wait_for(loader, STOP_MS))
			own_loader_kill(loader);
	if (loader->goes_on)
		close(loader->life);
	*loader = none();
}
