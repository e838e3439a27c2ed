/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Door B for probes: one program serves all functions, and the attach cookie is
 * the row of TNB_COPIES. */
#ifndef TIMENSBPF_BPF_WAIT_DEADLINE_PROBE_BPF_H
#define TIMENSBPF_BPF_WAIT_DEADLINE_PROBE_BPF_H

#include "deadline.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline void deadline_probe_in(struct pt_regs *ctx)
{
	__u64 first = PT_REGS_PARM1(ctx), second = PT_REGS_PARM2(ctx);
	__u64 copy = bpf_get_attach_cookie(ctx);

	/* Without a default: the compiler refuses a row that has no case. */
	switch ((enum tnb_copy)copy) {
	case TNB_COPY_timespec64:
	case TNB_COPY_itimerspec64:
	case TNB_COPY_timespec32:
	case TNB_COPY_itimerspec32:
		deadline_in((enum tnb_copy)copy, first, second);
		break;
	case TNB_COPY_io_timeout:
	case TNB_COPY_io_update:
		deadline_in_ring((enum tnb_copy)copy, (void *)first,
				 (void *)second);
		break;
	case TNB_COPY_MAX:
		break;
	}
}

static __always_inline void deadline_probe_out(struct pt_regs *ctx)
{
	deadline_out((enum tnb_copy)bpf_get_attach_cookie(ctx),
		     (int)PT_REGS_RC(ctx));
}

#endif
