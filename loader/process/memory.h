/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making memory of a held thread writable for the BPF programs, which fault no
 * page in (bpf/lib/user_memory.bpf.h). */
#ifndef TIMENSBPF_LOADER_PROCESS_MEMORY_H
#define TIMENSBPF_LOADER_PROCESS_MEMORY_H

#include <abi/channel.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

/*
 * Answers the hold of the event. Returns late where a page comes from a file
 * system that does not answer; such threads are few (memory.c), and only the
 * end of the process ends them.
 */
void tnb_memory_mend(struct tnb_loader_state *state,
		     const struct tnb_loader_event *event);

/* The same for a thread that is not held. False: it cannot be written, or too
 * many are in it. */
TNB_MUST_CHECK bool tnb_memory_touch(const struct tnb_loader_event *event);

/* What memory of the event's thread holds. `to`: room for the event's size. As
 * above. */
TNB_MUST_CHECK bool tnb_memory_read(const struct tnb_loader_event *event,
				    void *to);

/* Write memory of a stopped thread that it may write itself; all of it. As
 * above. */
TNB_MUST_CHECK bool tnb_memory_write(pid_t tid, __u64 address, const void *from,
				     size_t size);

/* Threads that are in it now. */
TNB_MUST_CHECK unsigned int tnb_memory_menders(void);

#endif
