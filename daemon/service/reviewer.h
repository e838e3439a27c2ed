/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After processes have moved: each is given the page of its new rule, and the
 * passes that were taken back (P5 of abi/clock_page.h) are returned once nobody
 * who maps a page lives in another rule.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_REVIEWER_H
#define TIMENSBPF_DAEMON_SERVICE_REVIEWER_H

#include "rules/handle.h"
#include "vdso/kernel_vdso.h"

#include <stdbool.h>

/* Processes that moved. */
#define TNB_MOVES 64
struct tnb_moves {
	size_t count; /* more than TNB_MOVES: too many to be named */
	pid_t pid[TNB_MOVES];
	/* Reviews that could not see to him, or, if not all were named, to
	 * somebody, one after the other. */
	unsigned int tries[TNB_MOVES], failed;
	/* By slot, reviews that found somebody with its page in another rule,
	 * one after the other. */
	unsigned char strays[TNB_SLOTS];
};
void tnb_moves_add(struct tnb_moves *moves, pid_t pid);

/* See to those who moved, and forget them; then to every rule whose pass is
 * taken. Returns whether something is left. Takes the lock of the rules. */
bool tnb_review(struct tnb *tnb, const struct tnb_vdso *vdso,
		struct tnb_moves *moves);

#endif
