/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be there before the programs can be loaded: the one list for
 * `load`, which stops at the first that fails, and for `doctor`, which tells
 * all. */
#ifndef TIMENSBPF_LOADER_REPORT_REQUIREMENTS_H
#define TIMENSBPF_LOADER_REPORT_REQUIREMENTS_H

#include "doctor.h"

extern const struct tnb_check tnb_requirements[];
extern const unsigned int tnb_requirement_count;

/* 0, or the errno and message of the first requirement that is not met. */
TNB_MUST_CHECK int tnb_requirements_check(const struct tnb_kernel *kernel);

#endif
