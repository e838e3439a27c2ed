/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "own_loader.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* The terminal's signals are not for it: it ends with us. */
static void serve(int life)
{
	struct tnb_loader *loader = NULL;
	int err;
	char byte;

	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	err = tnb_loader_start(&loader, 0);
	if (err && err != -EBUSY)
		fprintf(stderr,
			"timensbpf: note: clocks are read by system calls: %s\n",
			tnb_error_message());
	if (!err && write(life, "", 1) == 1)
		while (read(life, &byte, 1) < 0 && errno == EINTR)
			;
	tnb_loader_stop(&loader);
	_exit(EXIT_SUCCESS);
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
