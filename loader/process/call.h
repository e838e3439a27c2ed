/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls of other processes that the loader completes. */
#ifndef TIMENSBPF_LOADER_PROCESS_CALL_H
#define TIMENSBPF_LOADER_PROCESS_CALL_H

#include "start.h"

#include <abi/channel.h>

/*
 * The thread of a TNB_EVENT_CALL: its hold is answered, and where it is at the
 * end of that call, the event's task is done. Elsewhere nothing is changed.
 * What came of it is counted in the loader's state. False: the thread does not
 * stop, and is let go of only when the calling thread ends.
 */
TNB_MUST_CHECK bool tnb_call_complete(const struct tnb_injector *injector,
				      const struct tnb_loader_event *event);

#endif
