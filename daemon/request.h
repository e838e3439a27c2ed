/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks, and what: all that comes by the control socket is judged here,
 * before anything is done for it. */
#ifndef TIMENSBPF_DAEMON_REQUEST_H
#define TIMENSBPF_DAEMON_REQUEST_H

#include <stddef.h>
#include <sys/types.h>
#include <abi/control.h>

struct request {
	struct tnb_control_request message;
	int cgroup; /* -1: none came */
};

/* A refusal in words. */
struct reason {
	char text[160];
};

/* Is it root in our user namespace, which is the initial one? 0 and its
 * process id, or -EPERM and the reason. */
int request_check_peer(int fd, pid_t *pid, struct reason *reason);

/*
 * Read the one message. 0: a sound one, its cgroup to be closed. -EAGAIN:
 * nothing has come. -EPROTO: to be refused, and the reason.
 */
int request_receive(int fd, struct request *request, struct reason *reason);

#endif
