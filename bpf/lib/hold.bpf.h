/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Holding the current thread until the loader has answered: the thread's half
 * of abi/hold.h, which has the rules.
 *
 * A sleepable program yields its CPU in each turn of the loop, by a helper that
 * pins a page of the caller: the kernel calls cond_resched() on that way
 * (mm/gup.c, __get_user_pages()). So a loader that shares the CPU gets it, on
 * every preemption model. A program that cannot sleep keeps the CPU, and is
 * answered only by a thread of the loader on another one: the loader has
 * threads on two (daemon/service/tracer.c), and allows it only where there are
 * two.
 */
#ifndef TIMENSBPF_BPF_LIB_HOLD_BPF_H
#define TIMENSBPF_BPF_LIB_HOLD_BPF_H

#include "loader_events.bpf.h"

#include <abi/latch.h>
#include <bpf/bpf_core_read.h>

/* The verifier's bound; a hold ends by time. */
#define HOLD_TURNS_MAX (1u << 23)
/* Words that are tried before there are too many holds. */
#define HOLD_TRIES 4

enum hold_end {
	HOLD_NONE,     /* there is no loader for it: the thread was not held */
	HOLD_BUSY,     /* the same: too many holds at once */
	HOLD_TAKEN,    /* the loader has done its part */
	HOLD_REFUSED,  /* the loader cannot, and has counted it */
	HOLD_GIVEN_UP, /* the loader did not come in time */
};

struct hold {
	__u64 word; /* WAITING */
	/* The last sign of life that was seen, and since when there is none by
	 * the hold's clock, 0: there is. */
	__u64 beat_ns, gone_ns;
	union {
		/* Of one that keeps its CPU: once the loader has read the
		 * event, which is when it has read up to `told`, another time
		 * counts. */
		struct {
			__u64 until_ns, read_until_ns, told;
		} spin;
		/* Of one that yields it: a readable address of the caller, the
		 * time of the last turn, the hold's clock, and that and the
		 * loader's beats at the beginning. */
		struct {
			__u64 at, turn_ns, clock_ns, begin_ns;
			__u32 beats[TNB_HALVES];
		} yield;
	};
};

/* SIGKILL is put down here for each thread that has to end. */
#define TNB_SIGKILL_BIT (1ULL << 8)

static __always_inline bool current_is_killed(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return BPF_CORE_READ(task, pending.signal.sig[0]) & TNB_SIGKILL_BIT;
}

static __always_inline __u64 *hold_word(struct tnb_loader_state *state,
					__u64 word)
{
	return &state->hold[tnb_hold_index(word)];
}

/* A machine that stood still has old signs of life, until the threads that give
 * them have run again. Where they and this thread run at different times, those
 * it sees are never young; but there are new ones. */
#define GONE_AFTER_NS 100000000ULL

/* `now_ns`: by the hold's clock. */
static __always_inline bool loader_is_gone(const struct tnb_loader_state *state,
					   struct hold *hold, __u64 now_ns)
{
	__u64 beat = tnb_read_once(state->beat_ns[TNB_BEAT_LOADER]);

	if (!tnb_read_once(state->beat_ns[TNB_BEAT_GUARD]))
		return true;
	if (beat != hold->beat_ns ||
	    loader_beats_within(state, TNB_BEAT_LIMIT_NS)) {
		hold->beat_ns = beat;
		hold->gone_ns = 0;
		return false;
	}
	if (!hold->gone_ns)
		hold->gone_ns = now_ns;
	return now_ns - hold->gone_ns > GONE_AFTER_NS;
}

/* Whether the loop ends: by an answer, or because the thread gives up (H5). */
static __always_inline bool hold_ends(struct tnb_loader_state *state,
				      struct hold *hold, __u64 now_ns)
{
	return tnb_read_once(*hold_word(state, hold->word)) != hold->word ||
	       loader_is_gone(state, hold, now_ns) || current_is_killed();
}

static __always_inline bool is_over(__u64 until_ns)
{
	return (__s64)(bpf_ktime_get_ns() - until_ns) > 0;
}

static __always_inline bool event_is_read(const struct hold *hold)
{
	return bpf_ringbuf_query(&loader_events, BPF_RB_CONS_POS) >=
	       hold->spin.told;
}

static long hold_spin_turn(__u64 turn, struct hold *hold)
{
	struct tnb_loader_state *state = the_loader_state();

	if (!state || hold_ends(state, hold, bpf_ktime_get_ns()))
		return 1;
	return is_over(hold->spin.until_ns) &&
	       (!event_is_read(hold) || is_over(hold->spin.read_until_ns));
}

/* Beyond this the thread had no CPU between two turns: not by us. */
#define TURN_MOST_NS 20000000ULL

/* The hold's clock stands while the thread would not have run anyway. (It does
 * not begin at 0: then the verifier would follow each turn.) */
static __always_inline __u64 hold_clock(struct hold *hold)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 away = now - hold->yield.turn_ns;

	hold->yield.turn_ns = now;
	hold->yield.clock_ns += away < TURN_MOST_NS ? away : TURN_MOST_NS;
	return hold->yield.clock_ns;
}

static __always_inline void
hold_note_beats(const struct tnb_loader_state *state, struct hold *hold)
{
#pragma clang loop unroll(full)
	for (int half = 0; half < TNB_HALVES; half++)
		hold->yield.beats[half] = tnb_read_once(state->beats[half]);
}

/* The first beat may come at once. */
static __always_inline bool
loader_had_time(const struct tnb_loader_state *state, const struct hold *hold)
{
	bool had = true;

#pragma clang loop unroll(full)
	for (int half = 0; half < TNB_HALVES; half++)
		had &= tnb_read_once(state->beats[half]) -
			       hold->yield.beats[half] >
		       TNB_HOLD_BEATS;
	return had;
}

static long hold_yield_turn(__u64 turn, struct hold *hold)
{
	struct tnb_loader_state *state = the_loader_state();
	__u64 clock = hold_clock(hold);
	char byte;

	if (!state || hold_ends(state, hold, clock) ||
	    loader_had_time(state, hold) ||
	    clock - hold->yield.begin_ns > TNB_HOLD_MOST_NS)
		return 1;
	bpf_copy_from_user_task(&byte, sizeof(byte), (void *)hold->yield.at,
				bpf_get_current_task_btf(), 0);
	return 0;
}

/* Give up, unless the loader has answered (H2), and free the word (H1). */
static __always_inline enum hold_end hold_leave(struct tnb_loader_state *state,
						const struct hold *hold)
{
	__u64 *word = hold_word(state, hold->word);
	__u64 found = __sync_val_compare_and_swap(word, hold->word, 0);

	if (found == hold->word)
		return HOLD_GIVEN_UP;
	order_store(word, 0);
	return found == tnb_hold_answer(hold->word, TNB_HOLD_TAKEN)
		       ? HOLD_TAKEN
		       : HOLD_REFUSED;
}

/* Take a free word. */
static __always_inline bool hold_enter(struct tnb_loader_state *state,
				       struct hold *hold)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOLD_TRIES; i++) {
		__u64 number = 1 + __sync_fetch_and_add(&state->holds, 1);

		hold->word = TNB_HOLD_WORD(number, TNB_HOLD_WAITING);
		if (!__sync_val_compare_and_swap(hold_word(state, hold->word),
						 0, hold->word))
			return true;
	}
	return false;
}

/* Tell the loader. HOLD_TAKEN stands for: wait for its answer now. */
static __always_inline enum hold_end hold_begin(struct tnb_loader_state *state,
						struct tnb_loader_event *event,
						struct hold *hold)
{
	if (!state || !tnb_read_once(state->may_hold))
		return HOLD_NONE;
	if (!hold_enter(state, hold))
		return HOLD_BUSY;
	event->hold = hold->word;
	if (!tell_loader(event))
		return HOLD_TAKEN;
	order_store(hold_word(state, hold->word), 0);
	return HOLD_BUSY;
}

/* Hold the current thread until the loader has answered the event. For
 * sleepable programs; `at`: a readable address of the caller. */
static __always_inline enum hold_end hold_yield(struct tnb_loader_event *event,
						__u64 at)
{
	struct tnb_loader_state *state = some_loader();
	__u64 now = bpf_ktime_get_ns();
	struct hold hold = {
		.yield = {
			.at = at,
			.turn_ns = now,
			.clock_ns = now,
			.begin_ns = now,
		},
	};
	enum hold_end end;

	if (state)
		hold_note_beats(state, &hold);
	end = hold_begin(state, event, &hold);
	if (end != HOLD_TAKEN)
		return end;
	bpf_loop(HOLD_TURNS_MAX, hold_yield_turn, &hold, 0);
	return hold_leave(state, &hold);
}

/* Wait for the answer to an event that was told. */
static __always_inline enum hold_end spin(struct tnb_loader_state *state,
					  struct hold *hold, bool is_alone)
{
	__u64 now = bpf_ktime_get_ns();

	hold->spin.told = bpf_ringbuf_query(&loader_events, BPF_RB_PROD_POS);
	hold->spin.read_until_ns = is_alone ? now + TNB_SPIN_READ_NS : now;
	bpf_loop(HOLD_TURNS_MAX, hold_spin_turn, hold, 0);
	return hold_leave(state, hold);
}

/*
 * The same for programs that cannot sleep. Such a thread keeps its CPU, and one
 * CPU has to be left for the loader: threads that keep them all would wait for
 * nothing. The one that is too many waits for `crowd_ns`, and is not held if
 * that is 0. After a short wait a thread whose call ends here meets the loader
 * on its way to user mode: its CPU runs the loader's threads first.
 */
static __always_inline enum hold_end hold_spin(struct tnb_loader_event *event,
					       __u64 crowd_ns)
{
	struct tnb_loader_state *state = living_loader();
	enum hold_end end = HOLD_BUSY;
	struct hold hold = { 0 };
	__u64 most, before;
	bool is_alone;

	most = state ? tnb_read_once(state->may_spin) : 0;
	if (!most)
		return HOLD_NONE;
	before = __sync_fetch_and_add(&state->spinning, 1);
	is_alone = before < most;
	hold.spin.until_ns =
		bpf_ktime_get_ns() + (is_alone ? TNB_SPIN_NS : crowd_ns);
	if (is_alone || crowd_ns)
		end = hold_begin(state, event, &hold);
	if (end == HOLD_TAKEN)
		end = spin(state, &hold, is_alone);
	order_add(&state->spinning, -1);
	return end;
}

#endif
