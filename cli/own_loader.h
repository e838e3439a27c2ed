/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loader of our own where no daemon serves: `timensbpfd --attached`. It is a
 * process of its own, because the parent's waitpid(2) would take the stops of a
 * process that the parent itself traces.
 */
#ifndef TIMENSBPF_CLI_OWN_LOADER_H
#define TIMENSBPF_CLI_OWN_LOADER_H

#include <stdbool.h>
#include <sys/types.h>

struct own_loader {
	pid_t pid; /* 0: there is none */
	int life;  /* a socket to it, or -1: it ends when this is closed and no
		      other run needs it */
	bool serves;
	bool goes_on;	  /* for other runs, when it was stopped */
	char reason[512]; /* why it did not serve; empty: another one does */
};

/* The longest that it may take to serve. It takes some ten milliseconds, and
 * more on a busy machine. */
#define OWN_LOADER_START_MS 30000

/* Start it. It does not serve yet. */
void own_loader_begin(struct own_loader *loader);
/* Take note of what it has said, and of its end. Does not wait. Returns whether
 * there is one still. */
bool own_loader_look(struct own_loader *loader);
/* Returns when it serves, is not needed, or cannot serve. */
struct own_loader own_loader_start(void);
/* For one that hangs. Does nothing if there is none. */
void own_loader_kill(struct own_loader *loader);
/* Returns when it has ended, or serves others. The lock by which our run needs
 * it is to be dropped before (keep_loader.c). */
void own_loader_stop(struct own_loader *loader);

#endif
