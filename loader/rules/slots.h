/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which cgroup has which slot: the map cgroup_slots, and free slots. */
#ifndef TIMENSBPF_LOADER_RULES_SLOTS_H
#define TIMENSBPF_LOADER_RULES_SLOTS_H

#include "handle.h"

#include <stdint.h>

/* The slot of a cgroup, own or inherited, 0: none. */
__u32 tnb_slot_of(const struct tnb *tnb, uint64_t cgroup);

/* Is the rule of `slot` that of this very cgroup, not inherited? */
bool tnb_slot_is_own(const struct tnb *tnb, __u32 slot, uint64_t cgroup);

/* Point a cgroup to a slot; 0 removes its entry. */
TNB_MUST_CHECK int tnb_slot_point(struct tnb *tnb, uint64_t cgroup, __u32 slot);

/* A slot that nothing points to; entries of cgroups that are gone are swept
 * to find one. -ENOSPC: all are in use. Under the lock. */
TNB_MUST_CHECK int tnb_slot_find_free(struct tnb *tnb, __u32 *slot);

/* Call back for each entry. The callback may change the map. */
typedef int (*tnb_slot_visit)(struct tnb *tnb, uint64_t cgroup, __u32 slot,
			      void *context);
TNB_MUST_CHECK int tnb_slots_for_each(struct tnb *tnb, tnb_slot_visit visit,
				      void *context);

#endif
