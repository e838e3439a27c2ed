/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a program that starts the replacement vDSO, before its first
 * instruction. */
#ifndef TIMENSBPF_LOADER_PROCESS_START_H
#define TIMENSBPF_LOADER_PROCESS_START_H

#include "inject/tracee.h"

#include "inject/map_pages.h"
#include "rules/pages.h"
#include "vdso/kernel_vdso.h"

#include <abi/page.h>
#include <abi/channel.h>

/* What all starts have in common. Borrowed. */
struct tnb_injector {
	const struct tnb_vdsos *vdsos;
	struct tnb_pages *pages;
	struct tnb_loader_state *state;
	/* Without it a process would read the host's time: under lockdown. */
	bool keeps_pass;
	/* Of tnb_change_running() alone. */
	const struct tnb_sharing *memory; /* NULL: no memory is shared */
};

enum tnb_start {
	TNB_START_FAST, /* reads the clock by the image */
	TNB_START_SLOW, /* by system calls: `why` tells */
	/* The program did not start, or the loader came too late, which the
	 * program that held it has counted. */
	TNB_START_FAILED,
	/* The tracing thread holds a process that does not stop, and has to
	 * end for it to be let go of. */
	TNB_START_STUCK,
};

struct tnb_outcome {
	enum tnb_start start;
	enum tnb_slow why; /* of SLOW and STUCK */
	/* Of STUCK: the program that held the thread has counted it. */
	bool is_counted;
	bool is_later;	  /* SLOW: the reviewer is to change it */
	bool has_no_pass; /* FAST, once the reviewer has given it one */
};

/* The map of the page of this generation, for place->map and place->offset; to
 * be closed after the process has mapped it. Generation 0: whichever the slot
 * has. -ESTALE: the slot has another page by now. */
TNB_MUST_CHECK int tnb_start_open_page(const struct tnb_injector *injector,
				       __u32 slot, __u64 generation,
				       struct tnb_mapping_place *place);

/* Whether a stopped thread is about to run its first instruction. */
bool tnb_start_is_fresh(const struct tnb_tracee *tracee);
/*
 * Prepare it. Its memory is open; the caller lets go of it and then closes
 * *socket (tnb_map_pages_close()). 0; 1: it has no pass, and makes system
 * calls until the reviewer gives it one; or a negative errno and *why.
 */
TNB_MUST_CHECK int tnb_start_prepare(const struct tnb_injector *injector,
				     struct tnb_tracee *tracee,
				     const struct tnb_loader_event *exec,
				     int *socket, enum tnb_slow *why);

/*
 * Write the pass into the link page of a stopped process. The pass is good as
 * long as no process left the rule since this one was seen in it: while the
 * page's count of leavers is still `revocations`, later leavers revoke the pass
 * of this process, too. 0; 1: the count is another, and it has no pass: the
 * reviewer sees to it; or a negative errno.
 */
TNB_MUST_CHECK int tnb_start_write_pass(const struct tnb_tracee *tracee,
					__u64 pages,
					const struct tnb_clock_page *page,
					__u64 pass, __u64 revocations);

/*
 * `exec`: the event that told of it, whose hold is answered. `ms`: how long the
 * process may be kept waiting. Whatever happens, it goes on. The calling thread
 * is bound to the CPU of the process afterwards.
 */
TNB_MUST_CHECK struct tnb_outcome
tnb_start_program(const struct tnb_injector *injector,
		  const struct tnb_loader_event *exec, unsigned int ms);

#endif
