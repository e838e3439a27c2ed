/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Doors A and B on preemptible kernels with kprobe sessions (6.10 and later):
 * one program runs at entry and return with preemption off, and says at the
 * entry whether it wants the return. Both halves are run or passed by
 * together.
 *
 * An object of its own, built twice: the kernel function that tells entry from
 * return has taken the context as an argument since 7.0, and libbpf 1.1 cannot
 * choose between two prototypes of one name. One source, because its linker
 * cannot join two that use the function.
 */
#include "read/clock_read_return.bpf.h"
#include "deadline_probe.bpf.h"

char _license[] SEC("license") = "GPL";

#ifdef TNB_SESSION_TAKES_CTX
extern bool bpf_session_is_return(void *ctx) __ksym;
#define session_is_return(ctx) bpf_session_is_return(ctx)
#else
extern bool bpf_session_is_return(void) __ksym;
#define session_is_return(ctx) bpf_session_is_return()
#endif

enum { SESSION_WANT_RETURN = 0, SESSION_SKIP_RETURN = 1 };

/* ---- Door A: as in clock_read_fexit.bpf.c, one sends on to the other ------
 */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} door_session SEC(".maps");

SEC("kretprobe.multi")
int session_clock(struct pt_regs *ctx)
{
	/*
	 * A task that is moved into a virtual cgroup between the two halves
	 * gets this one read in the time of the cgroup in which it began it:
	 * the read then counts as made before the move.
	 */
	if (!current_is_virtual())
		return SESSION_SKIP_RETURN;
	if (session_is_return(ctx))
		bpf_tail_call(ctx, &door_session, 0);
	return SESSION_WANT_RETURN;
}

SEC("kretprobe.multi")
int read_session(struct pt_regs *ctx)
{
	clock_read_return(ctx);
	return SESSION_WANT_RETURN;
}

/* ---- Door B ---------------------------------------------------------------
 */

SEC("kretprobe.multi")
int deadline_session(struct pt_regs *ctx)
{
	if (session_is_return(ctx)) {
		deadline_probe_out(ctx);
		return SESSION_WANT_RETURN;
	}
	if (!current_is_virtual())
		return SESSION_SKIP_RETURN;
	deadline_probe_in(ctx);
	return SESSION_WANT_RETURN;
}
