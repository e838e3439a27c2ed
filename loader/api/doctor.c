/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's checks, and what the daemon says of itself. */
#include "client.h"
#include "report/doctor.h"
#include "report/finding.h"

#define OF_THE_DAEMON 1

int tnb_doctor(struct tnb_finding **findings)
{
	int count = tnb_doctor_examine(findings, OF_THE_DAEMON);
	struct tnb_finding *daemon;
	char line[512];

	if (count < 0)
		return count;
	daemon = &(*findings)[count];
	daemon->key = "daemon";
	daemon->group = TNB_GROUP_NOW;
	tnb_finding_set(daemon, TNB_OK, "timensbpfd: %s",
			tnb_client_status(line, sizeof(line))
				? line
				: "none answers, commands work by themselves");
	return count + OF_THE_DAEMON;
}
