/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door A on preemptible kernels without kprobe sessions: return probes, which
 * run with preemption off. They are made with enough instances for every task
 * that may stand preempted inside the call (loader/kernel/probe_events.c).
 *
 * As in clock_read_fexit.bpf.c, the attached stub only calls the worker.
 */
#include "clock_read_return.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} door_kretprobe SEC(".maps");

SEC("kretprobe")
int kretprobe_clock(struct pt_regs *ctx)
{
	if (current_is_virtual())
		bpf_tail_call(ctx, &door_kretprobe, 0);
	return 0;
}

SEC("kretprobe")
int read_kretprobe(struct pt_regs *ctx)
{
	clock_read_return(ctx);
	return 0;
}
