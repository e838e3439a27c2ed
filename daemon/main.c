/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timensbpfd: the loader as a service.
 *
 * All that has to survive it is in the kernel: rules, programs, the pages of
 * processes. It is upgraded by a restart.
 */
#define _GNU_SOURCE
#include "attached.h"
#include "carry_out.h"
#include "control.h"
#include "journal.h"
#include "run_dir.h"
#include "service/loader.h"
#include "watch.h"

#include <errno.h>
#include <popt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define EXIT_USAGE 2

struct options {
	int foreground, hold, verbose, version, attached;
};

static void parse(int argc, const char **argv, struct options *options)
{
	const struct poptOption table[] = {
		{ "foreground", 'f', POPT_ARG_NONE, &options->foreground, 0,
		  "stay in the foreground, log to standard error", NULL },
		{ "hold", '\0', POPT_ARG_NONE, &options->hold, 0,
		  "stop programs for a moment that start before they can be traced, so that all are fast",
		  NULL },
		{ "verbose", 'v', POPT_ARG_NONE, &options->verbose, 0,
		  "log more", NULL },
		{ "version", '\0', POPT_ARG_NONE, &options->version, 0,
		  "print the version", NULL },
		{ "attached", '\0', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN,
		  &options->attached, 0, NULL, NULL },
		POPT_AUTOHELP POPT_TABLEEND
	};
	poptContext context =
		poptGetContext("timensbpfd", argc, argv, table, 0);
	int val = poptGetNextOpt(context);
	const char *rest = poptGetArg(context);

	if (val < -1 || rest) {
		fprintf(stderr, "timensbpfd: %s: %s; see 'timensbpfd --help'\n",
			rest ? rest : poptBadOption(context, 0),
			rest ? "unexpected argument" : poptStrerror(val));
		exit(EXIT_USAGE);
	}
	poptFreeContext(context);
}

/* Before any thread is started, so that all inherit the mask. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What a predecessor has left, in words; a failure if it cannot be used. */
static int look_at_loaded(char *text, size_t size)
{
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (!err)
		snprintf(text, size, "version %s by %s",
			 tnb_loaded_version(tnb), tnb_loaded_attach(tnb));
	tnb_close(&tnb);
	return err == -ENOENT ? 0 : err;
}

/* Nothing of a predecessor's ends by this, nor by its failure. */
static int adopt(void)
{
	char loaded[128] = "none";
	int result = look_at_loaded(loaded, sizeof(loaded));

	if (!result)
		result = tnb_load_or_adopt();
	if (result < 0)
		journal(LOG_ERR, "%s", tnb_error_message());
	else if (result == TNB_LOAD_REPLACED)
		journal(LOG_NOTICE,
			"programs replaced, rules kept: %s was loaded", loaded);
	else if (result == TNB_LOAD_CURRENT)
		journal(LOG_INFO, "programs adopted: %s is loaded", loaded);
	else
		journal(LOG_INFO, "programs loaded");
	return result < 0 ? result : 0;
}

static int start_loader(struct tnb_loader **loader, bool hold)
{
	int err = tnb_loader_start(loader, hold ? TNB_HOLD : 0);

	if (err)
		journal(LOG_ERR, "%s", tnb_error_message());
	return err;
}

/* Who unloads has no use for it; with others loaded the next one serves them.
 */
static int end_of(int why)
{
	if (why == -ENOENT)
		journal(LOG_NOTICE, "the programs were unloaded");
	else if (why)
		journal(LOG_ERR,
			"other programs were loaded than those that it serves: start it anew");
	journal(LOG_INFO, "ends; running programs keep their time");
	return why == -ENOENT ? 0 : why;
}

static int serve(int signals, bool hold)
{
	struct tnb_loader *loader = NULL;
	struct control *control = NULL;
	int lock = run_dir_lock(TNB_CONTROL_DIR);
	int err = lock < 0 ? lock : adopt();

	if (!err)
		err = start_loader(&loader, hold);
	if (!err)
		err = control_open(&control, TNB_CONTROL_PATH, carry_out);
	if (!err) {
		journal(LOG_INFO, "version %s serves", tnb_version());
		sd_notify(0, "READY=1\nSTATUS=serving");
		err = end_of(watch(signals, control, loader));
		sd_notify(0, "STOPPING=1");
	}
	control_close(&control);
	tnb_loader_stop(&loader);
	if (lock >= 0)
		close(lock);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	int signals;

	parse(argc, (const char **)argv, &options);
	if (options.version)
		return printf("timensbpfd %s\n", tnb_version()) < 0;
	if (options.attached)
		return attached_serve();
	journal_open(options.foreground, options.verbose);
	signals = open_signals();
	if (signals < 0) {
		journal(LOG_ERR, "cannot wait for signals: %s",
			strerror(-signals));
		return EXIT_FAILURE;
	}
	if (!options.foreground && daemon(0, 0)) {
		journal(LOG_ERR, "cannot go into the background: %s",
			strerror(errno));
		return EXIT_FAILURE;
	}
	return serve(signals, options.hold);
}
