/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "attached.h"

#include "service/loader.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define EXIT_USAGE 2

static bool is_socket(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISSOCK(status.st_mode);
}

static void wait_for_end(int caller)
{
	char byte;

	while (read(caller, &byte, 1) < 0 && errno == EINTR)
		;
}

int attached_serve(void)
{
	struct tnb_loader *loader = NULL;
	int err;

	if (!is_socket(STDIN_FILENO)) {
		fprintf(stderr,
			"timensbpfd: --attached is for 'timensbpf run' only\n");
		return EXIT_USAGE;
	}
	/* The caller may be gone already. */
	signal(SIGPIPE, SIG_IGN);
	err = tnb_loader_start(&loader);
	if (err && err != -EBUSY)
		fprintf(stderr,
			"timensbpf: note: clocks are read by system calls: %s\n",
			tnb_error_message());
	if (!err && write(STDIN_FILENO, "", 1) == 1)
		wait_for_end(STDIN_FILENO);
	tnb_loader_stop(&loader);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
