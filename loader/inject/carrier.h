/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread of a stopped process that runs code for us. */
#ifndef TIMENSBPF_LOADER_INJECT_CARRIER_H
#define TIMENSBPF_LOADER_INJECT_CARRIER_H

#include "base/peek.h"
#include "threads.h"

/* The first thread that can; NULL: none can now. `peek`: of the process,
 * `maps`: it has to map pages, for which it opens files. */
struct tnb_tracee *tnb_carrier_find(struct tnb_threads *threads,
				    const struct tnb_peek *peek, bool maps);

#endif
