/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include "journal.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Half of the time that systemd allows, -1: it does not watch. */
static int pause_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int)(usec / 2000) : -1;
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

void watch(int signals)
{
	struct pollfd wake = { .fd = signals, .events = POLLIN };
	int pause = pause_ms();

	for (;;) {
		if (poll(&wake, 1, pause) > 0 && is_end(signals))
			return;
		sd_notify(0, "WATCHDOG=1");
	}
}
