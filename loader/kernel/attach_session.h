/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching a kprobe session to many functions, which libbpf 1.1 cannot do. */
#ifndef TIMENSBPF_LOADER_KERNEL_ATTACH_SESSION_H
#define TIMENSBPF_LOADER_KERNEL_ATTACH_SESSION_H

#include "plan.h"

/* enum bpf_attach_type of 6.10 (include/uapi/linux/bpf.h). */
#define TNB_BPF_TRACE_KPROBE_SESSION 56

/* Attach `prog_fd` to all of `points`. Returns a link fd to be closed. */
TNB_MUST_CHECK int
tnb_attach_session(int prog_fd, const struct tnb_point *points, size_t count);

#endif
