/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "own_loader.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

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

static void serve(int caller)
{
	char path[PATH_MAX + 32];
	char *const argv[] = { (char[]){ "timensbpfd" },
			       (char[]){ "--attached" }, NULL };

	if (!find_beside(path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", TIMENSBPFD_PATH);
	/* Without close-on-exec, as all others have it. */
	if (dup2(caller, STDIN_FILENO) == STDIN_FILENO)
		execv(path, argv);
	fprintf(stderr,
		"timensbpf: note: clocks are read by system calls: cannot start %s: %s\n",
		path, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

struct own_loader own_loader_start(void)
{
	struct own_loader loader = { 0, -1 };
	int ends[2];
	char byte;

	if (tnb_loader_is_alive() ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return loader;
	loader.pid = fork();
	if (!loader.pid) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	loader.life = ends[0];
	if (loader.pid < 0 || read(loader.life, &byte, 1) != 1)
		own_loader_stop(&loader);
	return loader;
}

void own_loader_stop(struct own_loader *loader)
{
	if (loader->life >= 0)
		close(loader->life);
	if (loader->pid > 0)
		reap(loader->pid);
	*loader = (struct own_loader){ 0, -1 };
}
