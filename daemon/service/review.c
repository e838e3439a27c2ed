/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pass is compared before and after: a process that leaves a rule during
 * the review revokes its pass again, and the old one is not returned. Processes
 * that left before are found by looking at all.
 */
#define _GNU_SOURCE
#include "review.h"

#include "base/cleanup.h"
#include "rules/placement.h"
#include "process/linked.h"
#include "process/view.h"
#include "rules/clock_page.h"
#include "rules/transaction.h"
#include "process/converge.h"
#include "rules/slots.h"
#include "rules/channel.h"

#include <errno.h>
#include <string.h>

struct review {
	struct tnb *tnb;
	struct tnb_moves *moves;
	/* By slot, the revoked pass when the review began; 0: it is valid, or
	 * there is no rule. */
	uint64_t seen[TNB_SLOTS];
	bool is_mapped_elsewhere[TNB_SLOTS];
};

/* Consecutive ones for the same process or rule. With the pauses between them
 * they take some ten seconds. */
#define TRIES 8

/* ---- What processes map -------------------------------------------------- */

static void look_at(const struct tnb_linked *linked, void *context)
{
	struct review *review = context;
	const struct tnb_vdso_link *link = &linked->page.link;
	struct tnb_placement placement;

	if (!review->seen[link->slot] ||
	    !tnb_view_is_current(review->tnb, &linked->page) ||
	    (link->pass != tnb_clock_page_generation(review->tnb, link->slot) &&
	     !tnb_view_reads_page(&linked->page)))
		return;
	if (tnb_placement_of(review->tnb, linked->proc, linked->tid,
			     &placement) ||
	    placement.slot != link->slot || placement.is_split) {
		review->is_mapped_elsewhere[link->slot] = true;
		/* A child that was born after its parent moved, and before its
		 * parent was changed: no event told of it. */
		if (review->moves->leftovers[link->slot] + 1 < TRIES)
			tnb_moves_add(review->moves, linked->pid);
	} else {
		/* It left and came back. Its entry must go before the pass is
		 * returned. */
		tnb_channel_forget_arrival(review->tnb->loader, linked->pid);
	}
}

/* ---- Passes -------------------------------------------------------------- */

static bool find_revoked(struct review *review)
{
	bool found = false;

	for (__u32 i = 1; i < TNB_SLOTS; i++) {
		bool is_revoked = tnb_clock_page_owner(review->tnb, i) &&
				  !tnb_clock_page_pass_is_valid(review->tnb, i);

		review->seen[i] =
			is_revoked ? tnb_clock_page_pass(review->tnb, i) : 0;
		if (!is_revoked)
			review->moves->leftovers[i] = 0;
		found |= is_revoked;
	}
	return found;
}

static void count_leftovers(const struct review *review)
{
	unsigned char *leftovers = review->moves->leftovers;

	for (__u32 i = 1; i < TNB_SLOTS; i++)
		if (!review->is_mapped_elsewhere[i])
			leftovers[i] = 0;
		else if (leftovers[i] < TRIES)
			leftovers[i]++;
}

static bool return_passes(const struct review *review)
{
	bool is_left = false;

	for (__u32 i = 1; i < TNB_SLOTS; i++)
		if (review->seen[i] &&
		    (review->is_mapped_elsewhere[i] ||
		     tnb_clock_page_pass_return(review->tnb, i,
						review->seen[i])))
			is_left = true;
	return is_left;
}

/*
 * A process that cannot be changed now is tried again, but not for ever: each
 * try stops all its threads and restarts its calls with a timeout. Then it
 * stays as it is, which `show` tells, until it moves again or the next `set`.
 */
static void forget_hopeless(struct tnb_moves *moves)
{
	size_t count = 0;

	if (moves->count > TNB_MOVES) {
		if (++moves->failed >= TRIES)
			moves->count = moves->failed = 0;
		return;
	}
	for (size_t i = 0; i < moves->count; i++) {
		if (moves->tries[i] + 1 >= TRIES)
			continue;
		moves->pid[count] = moves->pid[i];
		moves->tries[count++] = moves->tries[i] + 1;
	}
	moves->count = count;
}

static void change_moved(struct tnb *tnb, const struct tnb_vdsos *vdsos,
			 struct tnb_moves *moves)
{
	int err = 0;

	if (moves->count > TNB_MOVES)
		err = tnb_converge_all(tnb, vdsos);
	else if (moves->count)
		err = tnb_converge_some(tnb, vdsos, moves->pid, moves->count);
	if (err && err != -EOPNOTSUPP)
		forget_hopeless(moves);
	else
		moves->count = moves->failed = 0;
}

bool tnb_review(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		struct tnb_moves *moves)
{
	_cleanup_free_
	struct review *review = calloc(1, sizeof(*review));
	_cleanup_close_
	int lock = -1;
	int err;

	if (!review)
		return true;
	review->tnb = tnb;
	review->moves = moves;
	if (!find_revoked(review) && !moves->count)
		return false;
	lock = tnb_transaction_lock(tnb);
	if (lock < 0)
		return true;
	change_moved(tnb, vdsos, moves);
	if (!find_revoked(review))
		return moves->count;
	err = tnb_linked_each(tnb, look_at, review);
	count_leftovers(review);
	return err || return_passes(review) || moves->count;
}
