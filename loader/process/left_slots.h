/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots whose rule has ended, and whose page may still be read without the pass
 * (P6 of abi/page.h). */
#ifndef TIMENSBPF_LOADER_PROCESS_LEFT_SLOTS_H
#define TIMENSBPF_LOADER_PROCESS_LEFT_SLOTS_H

#include "rules/handle.h"

/* Those whose page no process maps can have another rule afterwards
 * (tnb_slot_find_free()). Looks at all processes. Under the lock. 0, or -errno
 * without a message. */
TNB_MUST_CHECK int tnb_left_slots_free(struct tnb *tnb);

#endif
