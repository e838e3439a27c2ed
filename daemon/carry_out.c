/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "carry_out.h"

#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <timensbpf/timensbpf.h>

/* With a handle of its own: the programs may have been replaced since the last
 * request. */
static int change(const struct request *request, const char *name,
		  struct tnb_change_result *result)
{
	const struct tnb_control_request *message = &request->message;
	unsigned int flags = TNB_HERE;
	struct tnb *tnb = NULL;
	int err = tnb_open(&tnb);

	if (message->flags & TNB_CONTROL_FORCE)
		flags |= TNB_FORCE;
	if (err)
		return err;
	err = message->header.op == TNB_CONTROL_SET
		      ? tnb_rule_set_at(tnb, request->cgroup, name,
					&message->settings, flags, result)
		      : tnb_rule_unset_at(tnb, request->cgroup, name, flags,
					  result);
	tnb_close(&tnb);
	return err;
}

void carry_out(const struct request *request, struct tnb_control_answer *answer)
{
	bool sets = request->message.header.op == TNB_CONTROL_SET;
	char *name = NULL;

	answer->result = tnb_cgroup_name(request->cgroup, &name);
	if (!answer->result)
		answer->result = change(request, name, &answer->change);
	if (answer->result)
		snprintf(answer->text, sizeof(answer->text), "%s",
			 tnb_error_message());
	journal(LOG_INFO, "control: %s %s%s%s", sets ? "set" : "unset",
		name ? name : "a cgroup", answer->result ? ": " : "",
		answer->text);
	free(name);
}
