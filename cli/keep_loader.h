/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As long as a run lives, a loader lives: a daemon, the loader of another run,
 * or one of its own.
 */
#ifndef TIMENSBPF_CLI_KEEP_LOADER_H
#define TIMENSBPF_CLI_KEEP_LOADER_H

#include "own_loader.h"

struct keep_loader {
	struct own_loader own;
	int lock;	/* shared by all runs; -1: could not be taken */
	bool quiet;	/* says nothing of loaders that end later */
	bool told;	/* that there is none */
	bool is_new;	/* our own one was started in place of another */
	bool is_absent; /* the last look found none */
	/* How long it has waited. The clocks may be virtual, and be set. */
	int64_t now_ms;
	int64_t absent_ms; /* since when none is found */
	int64_t begin_ms;  /* when our own one was started */
	int64_t retry_ms;  /* when another may be */
};

/* Returns when a loader serves, or cannot, which a note on standard error
 * tells. */
void keep_loader_begin(struct keep_loader *keep, bool quiet);
/* Returns when `fd` is readable. If there is no loader any more, one is started
 * meanwhile. */
void keep_loader_until(struct keep_loader *keep, int fd);
/* Our own one ends, unless another run needs it. */
void keep_loader_end(struct keep_loader *keep);

#endif
