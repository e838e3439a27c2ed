/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "carry_out.h"

#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

_Static_assert(TNB_CONTROL_CLOCKS == (int)TNB_CLOCKS, "ABI");

static int set(struct tnb *tnb, const char *path,
	       const struct tnb_control_request *message, unsigned int flags)
{
	struct tnb_change change = {
		.realtime_is_date = message->realtime_is_date,
	};

	for (int i = 0; i < TNB_CLOCKS; i++) {
		change.given[i] = message->given[i];
		change.offset_ns[i] = message->offset_ns[i];
	}
	return tnb_rule_set(tnb, path, &change, flags);
}

/* A handle of its own: the programs may have been replaced since the last. */
static int change(const struct tnb_control_request *message, const char *path)
{
	unsigned int flags = TNB_HERE;
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (message->flags & TNB_CONTROL_FORCE)
		flags |= TNB_FORCE;
	if (!err)
		err = message->header.op == TNB_CONTROL_SET
			      ? set(tnb, path, message, flags)
			      : tnb_rule_unset(tnb, path, flags);
	tnb_close(&tnb);
	return err;
}

/* What the library says of `link` is meant of `name`. */
static void tell_failure(const char *link, const char *name,
			 struct tnb_control_answer *answer)
{
	const char *message = tnb_error_message();
	const char *at = name ? strstr(message, link) : NULL;

	if (at)
		snprintf(answer->text, sizeof(answer->text), "%.*s%s%s",
			 (int)(at - message), message, name, at + strlen(link));
	else
		snprintf(answer->text, sizeof(answer->text), "%s", message);
}

/* By the open directory, so that it is that cgroup and no other of its name. */
void carry_out(const struct request *request, struct tnb_control_answer *answer)
{
	bool sets = request->message.header.op == TNB_CONTROL_SET;
	char link[32] = "", *name = NULL;
	int fd = tnb_cgroup_reopen(request->cgroup, &name);

	answer->result = fd < 0 ? fd : 0;
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		answer->result = change(&request->message, link);
		if (answer->result)
			tell_failure(link, name, answer);
		close(fd);
	} else {
		tell_failure(link, NULL, answer);
	}
	journal(LOG_INFO, "control: %s %s%s%s", sets ? "set" : "unset",
		name ? name : "a cgroup", answer->result ? ": " : "",
		answer->text);
	free(name);
}
