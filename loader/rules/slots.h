/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which cgroup has which slot: the map cgroup_slots, and free slots. */
#ifndef TIMENSBPF_LOADER_RULES_SLOTS_H
#define TIMENSBPF_LOADER_RULES_SLOTS_H

#include "handle.h"

#include <stdint.h>

/* The slot of a cgroup, own or inherited, 0: none. */
__u32 tnb_slot_of(const struct tnb *tnb, uint64_t cgroup);

/* Whether the cgroup owns `slot`, instead of having inherited it. */
bool tnb_slot_is_own(const struct tnb *tnb, __u32 slot, uint64_t cgroup);

/* Point a cgroup to a slot; 0 removes its entry. The pass of the slot that it
 * leaves is revoked. Within a transaction. */
TNB_MUST_CHECK int tnb_slot_point(struct tnb *tnb, uint64_t cgroup, __u32 slot);

/* Find a slot that no cgroup points to. If there is none,
 * entries of removed cgroups are deleted first. -ENOSPC: all are in use. Under
 * the lock. */
TNB_MUST_CHECK int tnb_slot_find_free(struct tnb *tnb, __u32 *slot);

/* Call back for each entry that has a slot. The callback may change the map. */
typedef int (*tnb_slot_visit)(struct tnb *tnb, uint64_t cgroup, __u32 slot,
			      void *context);
TNB_MUST_CHECK int tnb_slots_for_each(struct tnb *tnb, tnb_slot_visit visit,
				      void *context);

#endif
