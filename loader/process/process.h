/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process knows of a vDSO. */
#ifndef TIMENSBPF_LOADER_PROCESS_PROCESS_H
#define TIMENSBPF_LOADER_PROCESS_PROCESS_H

#include "base/peek.h"

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* Whether the auxiliary vector on its stack names one: TNB_VDSO_VISIBLE,
 * TNB_VDSO_HIDDEN, or TNB_VDSO_UNKNOWN. `proc`: its open directory in /proc;
 * `narrow`: a 32-bit program. */
enum tnb_fast tnb_process_auxv(int proc, const struct tnb_peek *peek,
			       bool narrow);

#endif
