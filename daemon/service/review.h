/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After processes have moved: each is given the page of its new rule. Passes
 * that were revoked (P5 of abi/page.h) are returned once every process that
 * maps a page lives in that page's rule.
 */
#ifndef TIMENSBPF_DAEMON_SERVICE_REVIEW_H
#define TIMENSBPF_DAEMON_SERVICE_REVIEW_H

#include "moves.h"
#include "rules/handle.h"
#include "vdso/kernel_vdso.h"

/* Change the processes in *moves and remove them from it, then look at every
 * rule whose pass is revoked. Returns whether something is left to do. Takes
 * the lock of the rules. */
bool tnb_review(struct tnb *tnb, const struct tnb_vdsos *vdsos,
		struct tnb_moves *moves);

#endif
