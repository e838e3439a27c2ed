/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking timensbpfd to change a rule, where one runs (abi/control.h). */
#ifndef TIMENSBPF_LOADER_API_CLIENT_H
#define TIMENSBPF_LOADER_API_CLIENT_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* Nobody has done it, nobody will: the caller may. */
#define TNB_CLIENT_NO_DAEMON 1

/*
 * Contracts as tnb_rule_set() and tnb_rule_unset(), or TNB_CLIENT_NO_DAEMON.
 * -EIO, -ETIMEDOUT: the daemon began and was not heard of again.
 */
TNB_MUST_CHECK int tnb_client_set(const char *path,
				  const struct tnb_change *change,
				  unsigned int flags);
TNB_MUST_CHECK int tnb_client_unset(const char *path, unsigned int flags);

/* What the daemon says of itself, in one line. False: there is none. */
bool tnb_client_status(char *line, size_t size);

/* As tnb_client_set() of an open cgroup, by a connected socket. For tests. */
struct tnb_control_request;
struct tnb_control_answer;
TNB_MUST_CHECK int tnb_client_ask(int fd, int cgroup,
				  const struct tnb_control_request *request,
				  struct tnb_control_answer *answer);

#endif
