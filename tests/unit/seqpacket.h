/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of a connection as that between the command and the daemon, for each
 * test. */
#ifndef TIMENSBPF_TESTS_UNIT_SEQPACKET_H
#define TIMENSBPF_TESTS_UNIT_SEQPACKET_H

#include <sys/socket.h>
#include <unistd.h>

static int ends[2]; /* ours, the other's; -1: closed */

static inline int seqpacket_set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static inline int seqpacket_tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

#endif
