/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Doors A and B on preemptible kernels with kprobe sessions (6.10 and later).
 * One program runs at entry and at return with preemption off, and its entry
 * decides whether it runs at the return. The kernel runs both halves or skips
 * both.
 *
 * This is an object of its own and is built twice: since 7.0 the kernel
 * function that tells entry from return takes the context, and libbpf 1.1
 * cannot choose between two prototypes of one name. It is one source file
 * because the linker of libbpf 1.1 cannot join two files that use the function.
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

/* ---- Door A: a stub and a worker, as in clock_read_fexit.bpf.c ----------- */

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
	 * A task that is moved into a rule between the two halves reads the
	 * time of the cgroup in which it began: the read then counts as made
	 * before the move.
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

/* ---- Door B -------------------------------------------------------------- */

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
