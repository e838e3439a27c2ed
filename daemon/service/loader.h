/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader: the service that makes programs fast that start in a rule. */
#ifndef TIMENSBPF_DAEMON_SERVICE_LOADER_H
#define TIMENSBPF_DAEMON_SERVICE_LOADER_H

#include <stdbool.h>
#include <timensbpf/timensbpf.h>

struct tnb_loader;

/*
 * Give programs that start in a rule the vDSO that reads virtual time, until
 * the caller stops the loader or ends: by threads of the caller, and by a
 * guard, a process that ends the caller if that hangs. BPF programs must be
 * loaded. *out is the caller's, to be stopped. -EBUSY: another
 * loader runs, and serves all.
 *
 * The caller must not wait for programs that it starts in a rule: its
 * waitpid(2) would take what the loader has to be told of them.
 */
TNB_MUST_CHECK int tnb_loader_start(struct tnb_loader **out);
/* Whether heartbeat and guard gave a sign of life within 5 s. If not, the
 * process is to be ended and started anew. */
bool tnb_loader_is_well(const struct tnb_loader *loader);
/* 0 if the BPF programs that it serves are the pinned ones. -ENOENT: none are
 * pinned any more; -ESTALE: others are. Then it serves no process, and is to be
 * ended. */
TNB_MUST_CHECK int tnb_loader_check(const struct tnb_loader *loader);
/* NULL-safe; sets *loader to NULL. Programs that were served stay fast. */
void tnb_loader_stop(struct tnb_loader **loader);

#endif
