/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Return probes with many instances. perf_event_open() makes them with so few
 * that preempted tasks use them up; the tracefs interface lets one say how
 * many (Documentation/trace/kprobetrace.rst, MAXACTIVE).
 */
#ifndef TIMENSBPF_LOADER_KRETPROBE_H
#define TIMENSBPF_LOADER_KRETPROBE_H

#include <stdint.h>
#include <timensbpf/timensbpf.h>

/* Define the return probe `name` on `function` and open it as a perf event.
 * Returns an fd to be closed. */
TNB_MUST_CHECK int tnb_kretprobe_open(const char *name, const char *function);

/* Remove all probes that tnb_kretprobe_open() defined and nobody uses. */
void tnb_kretprobe_sweep(void);

/* How often `name` found no instance free, 0 if that cannot be read. */
uint64_t tnb_kretprobe_missed(const char *name);

#endif
