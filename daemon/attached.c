/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "attached.h"

#include "service/loader.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	err = tnb_loader_start(&loader, 0);
	/* -EBUSY: another one serves. */
	if (err && err != -EBUSY)
		fprintf(stderr,
			"timensbpf: note: clocks are read by system calls: %s\n",
			tnb_error_message());
	if (!err && write(STDIN_FILENO, "", 1) == 1)
		wait_for_end(STDIN_FILENO);
	tnb_loader_stop(&loader);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
