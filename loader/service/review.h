/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Returning the passes that were taken back (P5 of abi/clock_page.h): once
 * nobody who maps a page lives in another rule, by having ended or executed
 * another program.
 */
#ifndef TIMENSBPF_LOADER_SERVICE_REVIEW_H
#define TIMENSBPF_LOADER_SERVICE_REVIEW_H

#include "../handle.h"

#include <stdbool.h>

/* Look at every rule whose pass is taken. Returns whether one stays so.
 * Takes the lock of the rules. */
bool tnb_review(struct tnb *tnb);

#endif
