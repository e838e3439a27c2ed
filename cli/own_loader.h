/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loader of our own where no daemon serves: a process, because a tracer
 * that is its tracee's parent's process, too, would have its stops taken by the
 * parent's waitpid(2).
 */
#ifndef TIMENSBPF_CLI_OWN_LOADER_H
#define TIMENSBPF_CLI_OWN_LOADER_H

#include <sys/types.h>

struct own_loader {
	pid_t pid; /* 0: there is none */
	int life;  /* closed, it ends */
};

/* Returns when it serves, or is not needed, or cannot (says why). */
struct own_loader own_loader_start(void);
void own_loader_stop(struct own_loader *loader);

#endif
