/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The examiner: a child process that looks at processes. Whatever reads
 * /proc/PID/maps or the memory of a process waits for the lock of its mappings,
 * and a thread of it may hold that for as long as a file system in user space
 * does not answer. So the examiner has no lock, and is given up over a process
 * that keeps it waiting.
 */
#ifndef TIMENSBPF_LOADER_PROCESS_EXAMINER_H
#define TIMENSBPF_LOADER_PROCESS_EXAMINER_H

#include "rules/handle.h"

#include <stdbool.h>
#include <stddef.h>

/* Memory that the examiner writes to and its parent reads, all zeros; NULL:
 * there is none. */
void *tnb_examiner_memory(size_t size);
void tnb_examiner_free(void *memory, size_t size);

/* Of the process that is number `index` for the caller. False: there is none,
 * and that was all. */
typedef bool (*tnb_examination)(void *context, size_t index);
typedef void (*tnb_given_up)(void *context, size_t index);

/*
 * Have the examiner call `look` for each index below `count`; it may use what
 * the handle has open, and /proc. `gave_up` is called here, for each index over
 * which it was given up: nothing was found out about that process. Then another
 * child goes on with the next index. Returns 0, or a negative errno with a
 * message.
 *
 * Starts child processes and waits for them, as tnb_patcher_run().
 */
TNB_MUST_CHECK int tnb_examiner_run(const struct tnb *tnb, size_t count,
				    tnb_examination look, tnb_given_up gave_up,
				    void *context);

#endif
