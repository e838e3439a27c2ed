/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader for one caller that has none: `timensbpf run` starts it. */
#ifndef TIMENSBPF_DAEMON_ATTACHED_H
#define TIMENSBPF_DAEMON_ATTACHED_H

/*
 * Serve until the other end of standard input, a stream socket, is closed, by
 * its owner or by the owner's end. One byte sent to it says that the loader
 * serves; without one it cannot, which standard error has told, or need not.
 * Signals from the terminal, SIGTERM and SIGHUP are not for it. Returns the
 * exit status.
 */
int attached_serve(void);

#endif
