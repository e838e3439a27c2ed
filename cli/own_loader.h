/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loader of our own where no daemon serves: `timensbpfd --attached`. It is a
 * process of its own, because the parent's waitpid(2) would take the stops of a
 * process that the parent itself traces.
 */
#ifndef TIMENSBPF_CLI_OWN_LOADER_H
#define TIMENSBPF_CLI_OWN_LOADER_H

#include <sys/types.h>

struct own_loader {
	pid_t pid; /* 0: there is none */
	int life;  /* the loader ends when this is closed */
};

/* Returns when it serves, is not needed, or cannot serve, which a note on
 * standard error tells. */
struct own_loader own_loader_start(void);
void own_loader_stop(struct own_loader *loader);

#endif
