/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include "control.h"
#include "journal.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Half of the time that systemd allows, -1: it does not watch. */
static int feed_every_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int)(usec / 2000) : -1;
}

/* The sooner; -1: never. */
static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Whether it asks for the end. */
static int is_end(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGHUP) {
		journal(LOG_NOTICE, "nothing to read anew");
		return 0;
	}
	return 1;
}

/* How often it is looked whether the programs are there. */
#define CHECK_MS 1000

/* Twice in a row: they are put in their place one after the other. */
static int check(const struct tnb_loader *loader, int *before)
{
	int now = tnb_loader_check(loader), was = *before;

	*before = now;
	return was ? now : 0;
}

int watch(int signals, struct control *control, const struct tnb_loader *loader)
{
	struct pollfd wake[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = control_fd(control), .events = POLLIN },
	};
	int feed = sooner(feed_every_ms(), CHECK_MS), before = 0;

	for (;;) {
		int pause = sooner(feed, control_pause_ms(control));
		int woken = poll(wake, 2, pause), err = 0;

		if (woken > 0 && wake[0].revents && is_end(signals))
			return 0;
		if (!woken)
			err = check(loader, &before);
		if (err)
			return err;
		control_serve(control);
		if (tnb_loader_is_well(loader))
			sd_notify(0, "WATCHDOG=1");
	}
}
