/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket (abi/control.h), in one thread that never waits for a
 * client. A client that sends no request is refused after a time, and an answer
 * that a client does not read is lost. Neither delays other clients.
 */
#ifndef TIMENSBPF_DAEMON_CONTROL_H
#define TIMENSBPF_DAEMON_CONTROL_H

#include "worker.h"

#include <systemd/sd-event.h>

/* Connections at once. Further ones are refused, and their clients carry out
 * the request by themselves. */
#define CONTROL_CONNECTIONS 16
/* Until a request must have come. */
#define CONTROL_TALK_MS 2000

struct control;

/*
 * Listen at `path`, in place of a dead predecessor, whose lock the caller must
 * hold, whenever `event` runs. The event loop must outlive the result. 0 and
 * *out to be closed, or a negative errno, logged.
 */
int control_open(struct control **out, sd_event *event, const char *path,
		 worker_carry_out carry_out);
/* Stop listening; a request that is being carried out is finished and
 * answered. NULL-safe; sets *control to NULL. */
void control_close(struct control **control);

#endif
