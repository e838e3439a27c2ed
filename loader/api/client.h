/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client of timensbpfd: changes of rules by the daemon, where one runs
 * (abi/control.h). */
#ifndef TIMENSBPF_LOADER_API_CLIENT_H
#define TIMENSBPF_LOADER_API_CLIENT_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* No daemon made the change, and none will: the caller may make it. */
#define TNB_CLIENT_NO_DAEMON 1

/*
 * Set the rule of an open cgroup, or end it (`settings` is NULL). Contract as
 * tnb_rule_set() and tnb_rule_unset(), or TNB_CLIENT_NO_DAEMON.
 */
TNB_MUST_CHECK int tnb_client_change(int cgroup,
				     const struct tnb_clock_settings *settings,
				     unsigned int flags,
				     struct tnb_change_result *result);

/* The status that the daemon reports, in one line. False: no daemon answers. */
bool tnb_client_status(char *line, size_t size);

/* One request by a connected socket, for tests. */
struct tnb_control_request;
struct tnb_control_answer;
TNB_MUST_CHECK int tnb_client_ask(int fd, int cgroup,
				  const struct tnb_control_request *request,
				  struct tnb_control_answer *answer);

#endif
