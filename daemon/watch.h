/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon's first thread does while the others serve. */
#ifndef TIMENSBPF_DAEMON_WATCH_H
#define TIMENSBPF_DAEMON_WATCH_H

#include "service/loader.h"

#include <systemd/sd-event.h>

/* Block the signals that watch() waits for. To be called before any thread is
 * started, so that all threads inherit the mask. 0, or a negative errno. */
int watch_block_signals(void);

/*
 * Run `event`, and feed systemd's watchdog while the loader is well. Returns 0
 * when a signal asks for the end, the result of tnb_loader_check() when the
 * programs that the loader serves are no longer the pinned ones, or another
 * negative errno.
 */
int watch(sd_event *event, const struct tnb_loader *loader);

#endif
