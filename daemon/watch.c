/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "watch.h"

#include "journal.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* How often the daemon looks whether the programs are still there. */
#define CHECK_USEC 1000000
/* How late a timer may fire. */
#define ACCURACY_USEC 10000

struct watch {
	const struct tnb_loader *loader;
	uint64_t every_usec;
	int before; /* the previous result of tnb_loader_check() */
	int end;    /* why the loop ends */
};

/* ---- Signals ------------------------------------------------------------- */

static const int end_signals[] = { SIGTERM, SIGINT };
#define END_SIGNALS (sizeof(end_signals) / sizeof(*end_signals))

int watch_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	for (size_t i = 0; i < END_SIGNALS; i++)
		sigaddset(&set, end_signals[i]);
	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

static int on_hangup(sd_event_source *source,
		     const struct signalfd_siginfo *info, void *userdata)
{
	(void)source, (void)info, (void)userdata;
	journal(LOG_NOTICE,
		"SIGHUP ignored: there is no configuration to read");
	return 0;
}

static int add_signals(sd_event *event)
{
	int err = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, NULL);

	/* Without a handler a signal ends the loop. */
	for (size_t i = 0; err >= 0 && i < END_SIGNALS; i++)
		err = sd_event_add_signal(event, NULL, end_signals[i], NULL,
					  NULL);
	return err;
}

/* ---- The watchdog -------------------------------------------------------- */

/* Half of the time that systemd allows, but often enough for the check. */
static uint64_t tick_usec(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0 || usec / 2 > CHECK_USEC)
		return CHECK_USEC;
	return usec / 2;
}

/* Called after each other event. Not sd_event_set_watchdog(): that would tell
 * of this thread alone, and not of those that serve. */
static int on_any_event(sd_event_source *source, void *userdata)
{
	const struct watch *watch = userdata;

	(void)source;
	if (tnb_loader_is_well(watch->loader))
		sd_notify(0, "WATCHDOG=1");
	return 0;
}

/* An upgrade puts its pins in place one after the other, so only the second bad
 * result in a row counts. */
static int check(struct watch *watch)
{
	int now = tnb_loader_check(watch->loader), was = watch->before;

	watch->before = now;
	return was ? now : 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct watch *watch = userdata;

	(void)usec;
	watch->end = check(watch);
	if (watch->end)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	(void)sd_event_source_set_time_relative(source, watch->every_usec);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int watch(sd_event *event, const struct tnb_loader *loader)
{
	struct watch state = { .loader = loader, .every_usec = tick_usec() };
	sd_event_source *tick = NULL, *any = NULL;
	int err = add_signals(event);

	if (err >= 0)
		err = sd_event_add_time_relative(
			event, &tick, CLOCK_MONOTONIC, state.every_usec,
			ACCURACY_USEC, on_tick, &state);
	if (err >= 0)
		err = sd_event_add_post(event, &any, on_any_event, &state);
	if (err >= 0)
		err = sd_event_loop(event);
	if (err < 0)
		journal(LOG_ERR, "the event loop failed: %s", strerror(-err));
	sd_event_source_disable_unref(tick);
	sd_event_source_disable_unref(any);
	return err < 0 ? err : state.end;
}
