/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the calling thread may work: afterwards its blocking calls fail with
 * EINTR, again and again. A thread that had no CPU finds its time over when it
 * runs again; so it has half of it once more. A timer sends it SIGRTMIN for
 * that. So this is for
 * processes of ours alone, the patcher and timensbpfd: a program that uses the
 * library keeps its signals.
 */
#ifndef TIMENSBPF_LOADER_INJECT_BUDGET_H
#define TIMENSBPF_LOADER_INJECT_BUDGET_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

/* Begun once for each part of a job: the next one has its own. */
TNB_MUST_CHECK int tnb_budget_begin(unsigned int ms);
void tnb_budget_end(void);
/* Before the thread ends: its timer belongs to the process. */
void tnb_budget_free(void);
bool tnb_budget_is_spent(void);

#endif
