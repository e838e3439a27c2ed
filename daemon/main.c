/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timensbpfd: the loader as a service.
 *
 * Everything that has to outlive it is in the kernel: rules, programs, the
 * pages of processes. It is upgraded by a restart.
 */
#define _GNU_SOURCE
#include "adopt.h"
#include "attached.h"
#include "carry_out.h"
#include "control.h"
#include "journal.h"
#include "options.h"
#include "run_dir.h"
#include "runs.h"
#include "service/loader.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

static int start_loader(struct tnb_loader **loader)
{
	int err = tnb_loader_start(loader);

	if (err)
		journal(LOG_ERR, "%s", tnb_error_message());
	return err;
}

/* After an unload there is nothing to serve; other programs are served by the
 * next daemon. */
static int end_of(int why)
{
	if (why == -ENOENT)
		journal(LOG_NOTICE, "the programs were unloaded");
	else if (why == -ESTALE)
		journal(LOG_ERR,
			"other programs were loaded than those that it serves: start it anew");
	journal(LOG_INFO, "ends; running programs keep their time");
	return why == -ENOENT ? 0 : why;
}

static int start(struct tnb_loader **loader, sd_event **event,
		 struct control **control)
{
	int err = adopt();

	if (!err)
		runs_make_way();
	if (!err)
		err = start_loader(loader);
	if (err)
		return err;
	err = sd_event_new(event);
	if (err < 0) {
		journal(LOG_ERR, "cannot make an event loop: %s",
			strerror(-err));
		return err;
	}
	return control_open(control, *event, TNB_CONTROL_PATH, carry_out);
}

static int serve(void)
{
	struct tnb_loader *loader = NULL;
	struct control *control = NULL;
	sd_event *event = NULL;
	int lock = run_dir_lock(TNB_CONTROL_DIR);
	int err = lock < 0 ? lock : start(&loader, &event, &control);

	if (!err) {
		journal(LOG_INFO, "version %s serves", tnb_version());
		sd_notify(0, "READY=1\nSTATUS=serving");
		err = end_of(watch(event, loader));
		sd_notify(0, "STOPPING=1");
	}
	control_close(&control);
	sd_event_unref(event);
	tnb_loader_stop(&loader);
	if (lock >= 0)
		close(lock);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * The three standard descriptors are open from here on. Children keep these
 * three, so none of them may become a lock's (loader/base/child.h).
 */
static bool open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd >= 0 && !close(fd);
}

int main(int argc, char **argv)
{
	const struct options options = options_parse(argc, (const char **)argv);
	int err;

	if (!open_standard_fds())
		return EXIT_FAILURE;
	if (options.attached)
		return attached_serve();
	journal_open(options.foreground, options.verbose);
	signal(SIGPIPE, SIG_IGN);
	err = watch_block_signals();
	if (err) {
		journal(LOG_ERR, "cannot wait for signals: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	if (!options.foreground && daemon(0, 0)) {
		journal(LOG_ERR, "cannot go into the background: %s",
			strerror(errno));
		return EXIT_FAILURE;
	}
	return serve();
}
