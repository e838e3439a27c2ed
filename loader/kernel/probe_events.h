/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes as events of tracefs. perf_event_open() makes return probes with so
 * few instances that preempted tasks use them up; the tracefs interface lets
 * one say how many (Documentation/trace/kprobetrace.rst, MAXACTIVE).
 */
#ifndef TIMENSBPF_LOADER_KERNEL_PROBE_EVENTS_H
#define TIMENSBPF_LOADER_KERNEL_PROBE_EVENTS_H

#include <stdint.h>
#include <timensbpf/timensbpf.h>

enum tnb_probe { TNB_KPROBE, TNB_KRETPROBE };

/* Define the probe `name` on `function`, if it is not yet, and open it as a
 * perf event. Returns an fd to be closed. */
TNB_MUST_CHECK int tnb_probe_open(enum tnb_probe kind, const char *name,
				  const char *function);

/* Remove all probes that tnb_probe_open() defined and nobody uses. */
void tnb_probes_sweep(void);

/* How often `name` was passed by (a return probe: found no instance free), 0 if
 * that cannot be read. */
uint64_t tnb_probe_missed(const char *name);

#endif
