/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Door B on preemptible kernels without kprobe sessions: a probe and a return
 * probe for each copy. */
#include "deadline_probe.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("kprobe")
int deadline_kprobe(struct pt_regs *ctx)
{
	deadline_probe_in(ctx);
	return 0;
}

SEC("kretprobe")
int deadline_kretprobe(struct pt_regs *ctx)
{
	deadline_probe_out(ctx);
	return 0;
}
