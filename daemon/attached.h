/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader for one caller that has none: `timensbpf run` starts it. */
#ifndef TIMENSBPF_DAEMON_ATTACHED_H
#define TIMENSBPF_DAEMON_ATTACHED_H

/*
 * Serve until the other end of standard input, a stream socket, is closed or
 * shut, or its owner ends; and then until no other run lives, or SIGTERM comes.
 * End before that for a daemon, or when the programs are gone. The caller has
 * seen to signals (cli/own_loader.c).
 *
 * A byte 0 sent to the socket says that the loader serves. A byte 1 says that
 * it goes on for other runs; then it has nothing of the caller open. If it
 * cannot serve, text tells why, unless another loader serves. Returns the exit
 * status: EXIT_SUCCESS if it has served, EXIT_FAILURE if not.
 */
int attached_serve(void);

#endif
