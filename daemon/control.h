/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket (abi/control.h), in one thread that never waits
 * for anybody: who says nothing, or never reads, is let go of after a time, and
 * holds up nobody meanwhile.
 */
#ifndef TIMENSBPF_DAEMON_CONTROL_H
#define TIMENSBPF_DAEMON_CONTROL_H

#include "worker.h"

/* Connections at once; more than that are closed, and do it by themselves. */
#define CONTROL_CONNECTIONS 16
/* Until a request has to be there. */
#define CONTROL_TALK_MS 2000

struct control;

/*
 * Listen at `path`, in the place of a dead predecessor, whose lock the caller
 * must hold. 0 and *out to be closed, or a negative errno, logged.
 */
int control_open(struct control **out, const char *path,
		 worker_carry_out carry_out);
/* Nobody is taken any more; what is under way ends, and is answered.
 * NULL-safe; sets *control to NULL. */
void control_close(struct control **control);

/* Readable when there is something for control_serve(). */
int control_fd(const struct control *control);
/* Until control_serve() has to be called all the same; -1: never. */
int control_pause_ms(const struct control *control);
void control_serve(struct control *control);

#endif
