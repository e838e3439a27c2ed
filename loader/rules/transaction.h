/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transactions of changes: pointing a tree of cgroups to another slot takes
 * several map updates. maps/journal is 1 while a transaction is open. If its
 * writer is killed, the next caller with the lock repairs: entries whose slot
 * has no owner are pointed to the slot of their parent. Such a slot shows the
 * parent's time already, so that no process sees the difference.
 */
#ifndef TIMENSBPF_LOADER_RULES_TRANSACTION_H
#define TIMENSBPF_LOADER_RULES_TRANSACTION_H

#include "handle.h"

/* Undo a transaction that a killed predecessor left open. Under the lock. */
TNB_MUST_CHECK int tnb_transaction_repair(struct tnb *tnb);

/* Take the lock (tnb_pins_lock()) and repair. Returns an fd to be closed, which
 * releases the lock. -ESTALE: the programs of the handle are not the loaded
 * ones any more. */
TNB_MUST_CHECK int tnb_transaction_lock(struct tnb *tnb);

/* Open a transaction. Under the lock. */
TNB_MUST_CHECK int tnb_transaction_begin(struct tnb *tnb);

/* Close the transaction; if the change failed with `err`, undo it first.
 * Returns `err`. */
TNB_MUST_CHECK int tnb_transaction_end(struct tnb *tnb, int err);

#endif
