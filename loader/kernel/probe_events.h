/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Probes as events of tracefs. Return probes made by perf_event_open() have so
 * few instances that preempted tasks use them up. Those of tracefs have as many
 * as one asks for (MAXACTIVE in Documentation/trace/kprobetrace.rst).
 */
#ifndef TIMENSBPF_LOADER_KERNEL_PROBE_EVENTS_H
#define TIMENSBPF_LOADER_KERNEL_PROBE_EVENTS_H

#include <stdint.h>
#include <timensbpf/timensbpf.h>

enum tnb_probe { TNB_KPROBE, TNB_KRETPROBE };

/* Define the probe `name` on `function` unless it exists, and open it as a perf
 * event. Returns an fd to be closed. */
TNB_MUST_CHECK int tnb_probe_open(enum tnb_probe kind, const char *name,
				  const char *function);

/* Remove all probes of tnb_probe_open() that are not in use. */
void tnb_probes_sweep(void);

/* How often the kernel skipped the probe `name` (a return probe: it had no free
 * instance), 0 if that cannot be read. */
uint64_t tnb_probe_missed(const char *name);

#endif
