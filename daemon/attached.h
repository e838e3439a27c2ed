/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader for one caller that has none: `timensbpf run` starts it. */
#ifndef TIMENSBPF_DAEMON_ATTACHED_H
#define TIMENSBPF_DAEMON_ATTACHED_H

/*
 * Serve until the other end of standard input, a stream socket, is closed or
 * its owner ends. The caller has seen to signals (cli/own_loader.c). One byte
 * sent to the socket says that the loader serves. If it cannot serve, standard
 * error tells why, unless another loader serves. Returns the exit status:
 * EXIT_SUCCESS if it has served, EXIT_FAILURE if not.
 */
int attached_serve(void);

#endif
