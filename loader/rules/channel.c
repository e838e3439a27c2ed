/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "channel.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/proc.h"
#include "kernel/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <abi/latch.h>
#include <unistd.h>

#define PAGE 4096u
#define MAP_SIZE \
	((sizeof(struct tnb_loader_state) + PAGE - 1) & ~(size_t)(PAGE - 1))

int tnb_channel_map(struct tnb_loader_state **state)
{
	_cleanup_close_
	int fd = tnb_pins_map(TNB_MAP_loader_state);
	void *map;

	if (fd < 0)
		return fd;
	map = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return tnb_fail(-errno, "cannot map the loader's state: %s",
				strerror(errno));
	*state = map;
	return 0;
}

void tnb_channel_unmap(struct tnb_loader_state **state)
{
	if (*state)
		munmap(*state, MAP_SIZE);
	*state = NULL;
}

__u64 tnb_channel_beat(struct tnb_loader_state *state, enum tnb_beat beat)
{
	__u64 now = tnb_clock_now();

	tnb_store_release(state->beat_ns[beat], now);
	return now;
}

bool tnb_channel_is_gone(const struct tnb_loader_state *state,
			 enum tnb_beat beat)
{
	__u64 last = tnb_load_acquire(state->beat_ns[beat]);

	return (__s64)(tnb_clock_now() - last) >= (__s64)TNB_BEAT_GONE_NS;
}

void tnb_channel_silence(struct tnb_loader_state *state, __u64 last)
{
	__atomic_compare_exchange_n(&state->beat_ns[TNB_BEAT_GUARD], &last, 0,
				    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool tnb_channel_waits(const struct tnb_loader_state *state, __u64 hold)
{
	return tnb_load_acquire(state->hold[tnb_hold_index(hold)]) == hold;
}

bool tnb_channel_answer(struct tnb_loader_state *state, __u64 hold,
			enum tnb_hold_state answer)
{
	return __atomic_compare_exchange_n(&state->hold[tnb_hold_index(hold)],
					   &hold, tnb_hold_answer(hold, answer),
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

__u64 tnb_channel_arrival(const struct tnb_loader_state *state, pid_t pid)
{
	__u64 entry = tnb_load_acquire(
		state->arrival[(__u32)pid & (TNB_ARRIVALS - 1)]);

	return tnb_arrival_tgid(entry) == (__u32)pid ? entry : 0;
}

void tnb_channel_arrived(struct tnb_loader_state *state, __u64 entry)
{
	__u64 *place =
		&state->arrival[tnb_arrival_tgid(entry) & (TNB_ARRIVALS - 1)];

	if (entry)
		__atomic_compare_exchange_n(place, &entry, 0, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void tnb_channel_forget_arrival(struct tnb_loader_state *state, pid_t pid)
{
	tnb_channel_arrived(state, tnb_channel_arrival(state, pid));
}

/* Never 0, which is that of a page that was not written yet. */
__u32 tnb_channel_generation(struct tnb_loader_state *state)
{
	if (!++state->generations)
		state->generations++;
	return state->generations;
}

void tnb_channel_forbid_calls(struct tnb_loader_state *state, __u32 slot)
{
	tnb_store_release(state->no_calls[slot], 1);
}

void tnb_channel_allow_calls(struct tnb_loader_state *state, __u32 slot)
{
	tnb_store_release(state->no_calls[slot], 0);
}

void tnb_channel_leave_slot(struct tnb_loader_state *state, __u32 slot)
{
	tnb_store_release(state->left_slot, slot);
}

static __u64 process_of(pid_t pid)
{
	return TNB_PROCESS(pid, tnb_proc_began(pid));
}

/* One that had the place before has ended, or counts as a stranger then. */
void tnb_channel_be_patcher(struct tnb_loader_state *state)
{
	pid_t pid = getpid();

	tnb_store_release(state->patcher[(__u32)pid % TNB_PATCHERS],
			  process_of(pid));
}

bool tnb_channel_is_patcher(const struct tnb_loader_state *state, pid_t pid)
{
	return pid > 0 &&
	       tnb_load_acquire(state->patcher[(__u32)pid % TNB_PATCHERS]) ==
		       process_of(pid);
}

static __u64 loader_beat(const struct tnb_loader_state *state)
{
	return tnb_load_acquire(state->beat_ns[TNB_BEAT_LOADER]);
}

/* Seen from the loader's `beat`, so by no clock of the caller's. */
static bool is_guarded(const struct tnb_loader_state *state, __u64 beat)
{
	__u64 guard = tnb_load_acquire(state->beat_ns[TNB_BEAT_GUARD]);

	return guard && (__s64)(beat - guard) < (__s64)TNB_BEAT_GONE_NS;
}

/*
 * An old beat alone says nothing: the caller may live in a rule, where the
 * clock differs from that of the beats, and may itself have had no CPU since it
 * read it. Looks are counted, not time, so that each of them lets the loader
 * run. A young one would be wrong if it were as old as that difference, for
 * TNB_BEAT_LIMIT_NS at most.
 */
bool tnb_channel_has_loader(const struct tnb_loader_state *state)
{
	__u64 first = loader_beat(state), beat = first;

	/* A beat by the same clock is no later. */
	if (tnb_clock_now() - first < TNB_BEAT_LIMIT_NS)
		return is_guarded(state, first);
	for (unsigned int look = 0;
	     look < TNB_BEAT_LOOKS && beat == first && is_guarded(state, beat);
	     look++) {
		poll(NULL, 0, TNB_BEAT_EVERY_MS);
		beat = loader_beat(state);
	}
	return beat != first && is_guarded(state, beat);
}

bool tnb_loader_is_alive(void)
{
	struct tnb_loader_state *state = NULL;
	bool lives;

	if (tnb_channel_map(&state))
		return false;
	lives = tnb_channel_has_loader(state);
	tnb_channel_unmap(&state);
	return lives;
}
