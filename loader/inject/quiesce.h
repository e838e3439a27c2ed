/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Having all threads of a process stand outside of what is about to change. */
#ifndef TIMENSBPF_LOADER_INJECT_QUIESCE_H
#define TIMENSBPF_LOADER_INJECT_QUIESCE_H

#include "base/peek.h"
#include "vdso/kernel_vdso.h"
#include "threads.h"

/* Where a process reads its clock: the kernel's vDSO and, 0 without one, our
 * image. */
struct tnb_readers {
	const struct tnb_vdso *vdso;
	__u64 at, image;
	const unsigned char *code; /* the image that is mapped there */
	bool page_changes;	   /* the clock page that it reads */
	bool image_changes;	   /* all of it but its entries */
};

/*
 * Of stopped threads: those that are in the middle of what changes, or in a
 * signal handler that interrupted it, are run until they are not.
 *
 * `peek`: of the process. *ran: whether any thread did; then all that was
 * known of the process before has to be looked at again. 0: all are stopped
 * outside. -EAGAIN: not within a bounded number of tries; all are stopped.
 * -ETIMEDOUT as tnb_threads_stop().
 */
TNB_MUST_CHECK int tnb_quiesce(struct tnb_threads *threads,
			       const struct tnb_readers *readers,
			       const struct tnb_peek *peek, bool *ran);

#endif
