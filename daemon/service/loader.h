/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader: the service that makes programs fast that start in a rule. */
#ifndef TIMENSBPF_DAEMON_SERVICE_LOADER_H
#define TIMENSBPF_DAEMON_SERVICE_LOADER_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

struct tnb_loader;

/*
 * Stop programs (SIGSTOP) that start before the loader has come to trace them,
 * for some milliseconds: all are fast then. Their parents can see it, and one
 * whose process group becomes orphaned just then is sent SIGHUP by the kernel,
 * as any stopped job. Without this they start slow, and are counted.
 */
#define TNB_HOLD (1u << 1)

/*
 * Give programs that start in a rule the vDSO that reads virtual time, for as
 * long as the caller lives and does not stop it: by threads of the caller, and
 * a process beside it that lets go of every process if the caller dies.
 * Programs must be loaded. *out is the caller's, to be stopped.
 * -EBUSY: another loader runs, and serves all.
 *
 * The caller must not itself wait for programs that it starts in a rule: what
 * waitpid(2) tells the loader of them would come to the caller.
 */
TNB_MUST_CHECK int tnb_loader_start(struct tnb_loader **out,
				    unsigned int flags);
/* Whether its threads and the process beside it gave a sign of life within 5 s:
 * else it is to be ended and started anew. */
bool tnb_loader_is_well(const struct tnb_loader *loader);
/* Whether the programs that it serves are the pinned ones: 0; -ENOENT: none are
 * pinned any more, -ESTALE: others are. Then it serves no process, and is to
 * be ended. */
TNB_MUST_CHECK int tnb_loader_check(const struct tnb_loader *loader);
/* NULL-safe; sets *loader to NULL. Programs that were served stay fast. */
void tnb_loader_stop(struct tnb_loader **loader);

#endif
