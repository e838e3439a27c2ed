/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Under lockdown=integrity, as Secure Boot sets it, the kernel loads no program
 * that writes user memory. What is left is the replacement vDSO, which the
 * loader gives to each program, and the guard of the host's clock. Every other
 * door is named here, once: for `doctor`, `run` and `show`.
 */
#ifndef TIMENSBPF_LOADER_REPORT_LOCKDOWN_H
#define TIMENSBPF_LOADER_REPORT_LOCKDOWN_H

#include "kernel/probe.h"

#include <timensbpf/timensbpf.h>

/* The finding `lockdown`. `lacks`: why the replacement vDSO would make system
 * calls here, which is to have the host's time; NULL if it does not. */
void tnb_lockdown_finding(const struct tnb_kernel *kernel, const char *lacks,
			  struct tnb_finding *finding);

/* Fill health, text and advice of a finding that is another under lockdown.
 * False: it is the same. */
bool tnb_lockdown_replaces(const struct tnb_kernel *kernel, const char *key,
			   struct tnb_finding *finding);

/* What stays the host's time, in a few words, by number; NULL: no more. */
const char *tnb_lockdown_gap(size_t number);

#endif
