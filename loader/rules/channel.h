/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel: memory that the loader, its guard and the BPF programs share
 * (abi/channel.h). */
#ifndef TIMENSBPF_LOADER_RULES_CHANNEL_H
#define TIMENSBPF_LOADER_RULES_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>
#include <abi/channel.h>
#include <timensbpf/timensbpf.h>

/* Map the channel. *state is to be unmapped with tnb_channel_unmap(). */
TNB_MUST_CHECK int tnb_channel_map(struct tnb_loader_state **state);
void tnb_channel_unmap(struct tnb_loader_state **state);

/* Whether a loader and its guard beat. Takes TNB_BEAT_LIMIT_NS where both are
 * there and silent, as after both were killed; a loader whose end the guard saw
 * is known at once. */
bool tnb_channel_has_loader(const struct tnb_loader_state *state);
/* Returns what it wrote, by CLOCK_MONOTONIC. */
__u64 tnb_channel_beat(struct tnb_loader_state *state, enum tnb_beat beat);
/* Whether the last beat is older than TNB_BEAT_GONE_NS. */
bool tnb_channel_is_gone(const struct tnb_loader_state *state,
			 enum tnb_beat beat);
/* End the guard's beat if it still is `last`: no thread is held until a guard
 * beats again. */
void tnb_channel_silence(struct tnb_loader_state *state, __u64 last);

/* The arrival of a process that came from outside of its rule, a entry of
 * tnb_loader_state.arrival. 0: there is none, or the process was changed. */
__u64 tnb_channel_arrival(const struct tnb_loader_state *state, pid_t pid);
/* End an arrival: the process needs no change, its system calls have the time
 * of its cgroup. `entry`: read before the process was examined; a later arrival
 * stays. */
void tnb_channel_arrived(struct tnb_loader_state *state, __u64 entry);
/* End an arrival whenever it came: for a process that has pages of a rule, or
 * cannot be changed. */
void tnb_channel_forget_arrival(struct tnb_loader_state *state, pid_t pid);

/* A number that no page has had. Under the lock of the rules. */
__u32 tnb_channel_generation(struct tnb_loader_state *state);

/* P6 of abi/page.h, by slot: a process may be given its page that may make no
 * system call; and the slot has a new page. */
void tnb_channel_forbid_calls(struct tnb_loader_state *state, __u32 slot);
void tnb_channel_allow_calls(struct tnb_loader_state *state, __u32 slot);
/* A cgroup is pointed away from the slot, whose page its processes map until
 * they are changed; 0: they have been. Under the lock. */
void tnb_channel_leave_slot(struct tnb_loader_state *state, __u32 slot);

/* Note that the calling process changes running processes; and whether a
 * process, by its number, is one that does. It is known by more than its name,
 * which any process can take. */
void tnb_channel_be_patcher(struct tnb_loader_state *state);
bool tnb_channel_is_patcher(const struct tnb_loader_state *state, pid_t pid);

/* Whether the thread of this hold (abi/hold.h) is still held. */
bool tnb_channel_waits(const struct tnb_loader_state *state, __u64 hold);
/* Answer a hold, after the answer is in force (H3). False: its thread has given
 * up, and whatever has its number now is not held. */
TNB_MUST_CHECK bool tnb_channel_answer(struct tnb_loader_state *state,
				       __u64 hold, enum tnb_hold_state answer);

#endif
