/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "host_clock.h"

#include "base/cgroup.h"
#include "base/error.h"
#include "kernel/bpf_map.h"
#include "clock_page.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000LL
#define TRIES 16

static __u32 own_slot(const struct tnb *tnb)
{
	uint64_t id;
	__u32 slot;

	if (tnb_cgroup_id_of(0, &id) ||
	    tnb_bpf_map_lookup(tnb->cgroup_slots, &id, &slot))
		return 0;
	return slot;
}

int tnb_host_clock(const struct tnb *tnb, enum tnb_clock_id clock, int64_t *ns)
{
	static const clockid_t ids[TNB_CLOCKS] = {
		[TNB_REALTIME] = CLOCK_REALTIME,
		[TNB_MONOTONIC] = CLOCK_MONOTONIC,
		[TNB_BOOTTIME] = CLOCK_BOOTTIME,
	};

	/*
	 * By the system call, because the vDSO may be the host's or ours. The
	 * call adds the offset of the caller's rule, which is subtracted here:
	 * it must be the same before and after the call.
	 */
	for (int i = 0; i < TRIES; i++) {
		__u32 slot = own_slot(tnb);
		struct tnb_offsets before = tnb_clock_page_offsets(tnb, slot),
				   after;
		struct timespec now;

		if (syscall(SYS_clock_gettime, ids[clock], &now))
			return tnb_fail(-errno, "cannot read the clock: %s",
					strerror(errno));
		after = tnb_clock_page_offsets(tnb, slot);
		if (slot != own_slot(tnb) ||
		    before.ns[clock] != after.ns[clock])
			continue;
		*ns = now.tv_sec * NSEC_PER_SEC + now.tv_nsec -
		      before.ns[clock];
		return 0;
	}
	return tnb_fail(
		-EAGAIN,
		"the clock of this process is being changed: try again");
}
