/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory that loader, guard and BPF programs share (abi/channel.h). */
#ifndef TIMENSBPF_LOADER_RULES_CHANNEL_H
#define TIMENSBPF_LOADER_RULES_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>
#include <abi/channel.h>
#include <timensbpf/timensbpf.h>

/* How often loader and guard give a sign of life: several times within
 * TNB_BEAT_LIMIT_NS. */
#define TNB_BEAT_EVERY_MS 10

/* Map the state. *state is the caller's, to be unmapped. */
TNB_MUST_CHECK int tnb_channel_map(struct tnb_loader_state **state);
void tnb_channel_unmap(struct tnb_loader_state **state);

void tnb_channel_beat(struct tnb_loader_state *state, enum tnb_beat who);
/* Since TNB_BEAT_GONE_NS there was no beat of it. */
bool tnb_channel_is_gone(const struct tnb_loader_state *state,
			 enum tnb_beat who);
bool tnb_channel_beats(const struct tnb_loader_state *state, enum tnb_beat who);
/* The guard's beat ends: from now on nobody is held, until a guard beats. */
void tnb_channel_silence(struct tnb_loader_state *state);

/* The word of a process that came from outside (tnb_loader_state.arrival); 0:
 * it did not, or was changed. */
__u64 tnb_channel_arrival(const struct tnb_loader_state *state, pid_t pid);
/* It need not be changed: by system call, too, it has the time of where it is.
 * `word` as of before it was looked at; who came again since is kept. */
void tnb_channel_arrived(struct tnb_loader_state *state, __u64 word);
/* The same whenever it came: for one that has pages of a rule, and so needs no
 * word, or that cannot be changed. */
void tnb_channel_forget_arrival(struct tnb_loader_state *state, pid_t pid);

/* Nobody waits for this entry any more. */
/* Whether it was stopped for the loader, and not let go of since. */
bool tnb_channel_holds(const struct tnb_loader_state *state, pid_t pid);
void tnb_channel_release(struct tnb_loader_state *state, __u32 hold);

#endif
