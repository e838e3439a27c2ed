/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory that loader, guard and BPF programs share (abi/loader.h). */
#ifndef TIMENSBPF_LOADER_SERVICE_STATE_H
#define TIMENSBPF_LOADER_SERVICE_STATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <timensbpf/abi/loader.h>
#include <timensbpf/timensbpf.h>

/* How often loader and guard give a sign of life: several times within
 * TNB_BEAT_LIMIT_NS. */
#define TNB_BEAT_EVERY_MS 10

/* Map the state. *state is the caller's, to be unmapped. */
TNB_MUST_CHECK int tnb_state_map(struct tnb_loader_state **state);
void tnb_state_unmap(struct tnb_loader_state **state);

/* CLOCK_MONOTONIC of the host, as bpf_ktime_get_ns(). */
__u64 tnb_state_now(void);
void tnb_state_beat(struct tnb_loader_state *state, enum tnb_beat who);
bool tnb_state_beats(const struct tnb_loader_state *state, enum tnb_beat who);
/* The guard's beat ends: from now on nobody is held, until a guard beats. */
void tnb_state_silence(struct tnb_loader_state *state);

/* Nobody waits for this entry any more. */
void tnb_state_release(struct tnb_loader_state *state, __u32 hold);

/* The state letter of /proc/PID/stat; 0: there is no such process. */
char tnb_process_state(pid_t pid);

#endif
