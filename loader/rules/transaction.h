/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing a tree of cgroups takes several map updates. `changing` in
 * maps/state is 1 while that lasts; if its writer was killed, the entries that
 * then point to a slot without an owner are pointed back to their parent's.
 * Those slots show their parent's time, so that nobody sees the difference.
 */
#ifndef TIMENSBPF_LOADER_RULES_TRANSACTION_H
#define TIMENSBPF_LOADER_RULES_TRANSACTION_H

#include "handle.h"

/* Repair what a killed predecessor left. Under the lock. */
TNB_MUST_CHECK int tnb_transaction_repair(struct tnb *tnb);

/* tnb_pins_lock(), and repair what a killed predecessor left. Returns an fd to
 * be closed. */
TNB_MUST_CHECK int tnb_transaction_lock(struct tnb *tnb);

TNB_MUST_CHECK int tnb_transaction_begin(struct tnb *tnb);

/* End a change. If it failed with `err`, undo it first. Returns `err`. */
TNB_MUST_CHECK int tnb_transaction_end(struct tnb *tnb, int err);

#endif
