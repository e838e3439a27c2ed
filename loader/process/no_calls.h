/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads whose seccomp filters, or strict mode, may refuse the system calls
 * that read clocks: they use the clock page whatever its pass (P6 of
 * abi/page.h), and are sent to no such call by us. A filter that cannot be
 * looked at counts as one that refuses.
 */
#ifndef TIMENSBPF_LOADER_PROCESS_NO_CALLS_H
#define TIMENSBPF_LOADER_PROCESS_NO_CALLS_H

#include "inject/threads.h"
#include "start.h"

/* Of a stopped thread; of any of them. `narrow`: of a 32-bit program. */
bool tnb_no_calls_thread(const struct tnb_tracee *tracee, bool narrow);
bool tnb_no_calls_any(const struct tnb_threads *threads, bool narrow);

/* Before such a process is given the page of a slot, other than 0. 0, or
 * -EPERM: the image of this kernel reads no clock without a system call. */
TNB_MUST_CHECK int tnb_no_calls_begin(const struct tnb_injector *injector,
				      __u32 slot);

#endif
