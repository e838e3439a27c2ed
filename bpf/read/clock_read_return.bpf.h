/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Door A for probes: one program serves all functions, and the attach cookie is
 * the row of TNB_READ_DOORS. */
#ifndef TIMENSBPF_BPF_READ_CLOCK_READ_RETURN_BPF_H
#define TIMENSBPF_BPF_READ_CLOCK_READ_RETURN_BPF_H

#include "clock_read.bpf.h"

#include <bpf/bpf_tracing.h>

#define RETURN_CASE(name, function, worker, layout)                 \
	case TNB_DOOR_##name:                                       \
		args = current_syscall_args(LAYOUT_##layout);       \
		worker_##worker(page, &args, ret, LAYOUT_##layout); \
		break;

static __always_inline void clock_read_return(struct pt_regs *ctx)
{
	const struct tnb_clock_page *page = current_page();
	long ret = (long)PT_REGS_RC(ctx);
	struct syscall_args args;

	if (!page)
		return;
	switch (bpf_get_attach_cookie(ctx)) {
		TNB_READ_DOORS(RETURN_CASE)
	}
}

#endif
