/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon's first thread does while the others serve. */
#ifndef TIMENSBPF_DAEMON_WATCH_H
#define TIMENSBPF_DAEMON_WATCH_H

struct control;

/* Serve the control socket and feed systemd's watchdog, until a signal asks for
 * the end. */
void watch(int signals, struct control *control);

#endif
