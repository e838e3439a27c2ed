/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `doctor` looks at: a table, a row a finding. */
#ifndef TIMENSBPF_LOADER_REPORT_DOCTOR_H
#define TIMENSBPF_LOADER_REPORT_DOCTOR_H

#include "kernel/probe.h"

#include <timensbpf/timensbpf.h>

struct tnb_check {
	const char *key;
	enum tnb_finding_group group;
	int err; /* of `load` where it fails; 0: load does not need it */

	/* Text if it holds (NULL: it never does), else text and advice. */
	bool (*holds)(const struct tnb_kernel *kernel);
	const char *good;
	enum tnb_health otherwise;
	const char *bad, *advice;

	/* Instead of these, where the text tells what was found: fills health,
	 * text and advice. */
	void (*examine)(const struct tnb_kernel *kernel,
			struct tnb_finding *finding);
};

void tnb_check_run(const struct tnb_check *check,
		   const struct tnb_kernel *kernel,
		   struct tnb_finding *finding);

/*
 * All checks of the library's own, ordered by group. *findings, to be freed
 * with tnb_findings_free(), has room for `more`. Returns their number.
 */
TNB_MUST_CHECK int tnb_doctor_examine(struct tnb_finding **findings,
				      size_t more);

#endif
