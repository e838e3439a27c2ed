/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon's first thread does while the others serve. */
#ifndef TIMENSBPF_DAEMON_WATCH_H
#define TIMENSBPF_DAEMON_WATCH_H

#include "service/loader.h"

struct control;

/* Serve the control socket and, while the loader is well, feed systemd's
 * watchdog, until a signal asks for the end (0), or the programs that the
 * loader serves are not the pinned ones any more (tnb_loader_check()). */
int watch(int signals, struct control *control,
	  const struct tnb_loader *loader);

#endif
