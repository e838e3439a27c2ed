/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests by the control socket: the sender and the message are checked here,
 * before anything is done for them. */
#ifndef TIMENSBPF_DAEMON_REQUEST_H
#define TIMENSBPF_DAEMON_REQUEST_H

#include <stddef.h>
#include <sys/types.h>
#include <abi/control.h>

struct request {
	struct tnb_control_request message;
	int cgroup; /* -1: the message has none */
};

/* Why a request is refused, as text. */
struct reason {
	char text[160];
};

/* Whether the sender is root in the initial user namespace, which is the
 * daemon's. Returns 0 and the process id, or -EPERM and the reason. */
int request_check_peer(int fd, pid_t *pid, struct reason *reason);

/*
 * Read the message of a connection. 0: it is valid; its cgroup is to be closed.
 * -EAGAIN: no message has arrived. -EPROTO: it is to be refused, with the
 * reason.
 */
int request_receive(int fd, struct request *request, struct reason *reason);

#endif
