/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of `doctor`. */
#ifndef TIMENSBPF_LOADER_REPORT_FINDING_H
#define TIMENSBPF_LOADER_REPORT_FINDING_H

#include "vdso/kernel_vdso.h"

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* Set text and advice (NULL: none) by format; NULL text if out of memory. */
__attribute__((format(printf, 3, 4))) void
tnb_finding_set(struct tnb_finding *finding, enum tnb_health health,
		const char *format, ...);
__attribute__((format(printf, 2, 3))) void
tnb_finding_advise(struct tnb_finding *finding, const char *format, ...);

/* What the fast path is here, with the kernel's clock source ("" unknown);
 * `served`: a loader is alive. */
void tnb_finding_of_vdso(const struct tnb_vdso *vdso, const char *clock_source,
			 bool served, struct tnb_finding *finding);

/* Add to a finding about misses what was counted, and warn if there are any. */
void tnb_finding_add_misses(const struct tnb_figure *figures, size_t count,
			    struct tnb_finding *finding);

#endif
