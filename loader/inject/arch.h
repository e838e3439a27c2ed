/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stopped thread as this architecture has it. arch/<TNB_ARCH>/ implements it;
 * nothing else in this folder knows a register, a signal frame or an
 * instruction.
 */
#ifndef TIMENSBPF_LOADER_INJECT_ARCH_H
#define TIMENSBPF_LOADER_INJECT_ARCH_H

#include "filter.h"

#include <abi/channel.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

/* ---- Registers ----------------------------------------------------------- */

#define TNB_REGISTER_WORDS 40u

/* As the architecture lays them out; for the functions below only. */
struct tnb_registers {
	__u64 word[TNB_REGISTER_WORDS];
};

/* Of a stopped thread that the caller traces. 0 or a negative errno. */
TNB_MUST_CHECK int tnb_registers_get(pid_t tid, struct tnb_registers *regs);
TNB_MUST_CHECK int tnb_registers_set(pid_t tid,
				     const struct tnb_registers *regs);

__u64 tnb_registers_pc(const struct tnb_registers *regs);
__u64 tnb_registers_sp(const struct tnb_registers *regs);
/* Whether it runs 64-bit code, 32-bit code; or neither: code of a segment that
 * the program has made. */
bool tnb_registers_are_wide(const struct tnb_registers *regs);
bool tnb_registers_are_narrow(const struct tnb_registers *regs);
/* Whether the thread is about to run its program's first instruction. */
bool tnb_registers_are_fresh(const struct tnb_registers *regs);

/* Send the thread elsewhere, to 64-bit code. The kernel makes no system call
 * again there. */
void tnb_registers_leave(struct tnb_registers *regs, __u64 pc);

/* ---- System calls -------------------------------------------------------- */

/* As the kernel tells a seccomp filter what code makes a call. */
__u32 tnb_audit_arch(bool narrow);

/* The number of restart_syscall(2) for 32-bit code. */
extern const __u32 tnb_narrow_restart_syscall;

/* The number of the call that the thread is in, -1: it is in none. */
long tnb_registers_call(const struct tnb_registers *regs);
/* What that call returns. */
long tnb_registers_result(const struct tnb_registers *regs);
/* Whether the call is an exec, of 64-bit or 32-bit code, that has failed. */
bool tnb_registers_are_of_failed_exec(const struct tnb_registers *regs);

/* What the kernel would do on the way out with a call that is to be made again
 * (its signal.c), for a thread that is sent elsewhere instead. `compat`: the
 * call is of the 32-bit table, see struct tnb_call_end. */
void tnb_registers_restart(struct tnb_registers *regs, bool compat);

/* The end of a system call, of 64-bit or 32-bit code. */
struct tnb_call_end {
	__u64 pc, sp;
	__u64 argument; /* the first one */
	__s64 result;
	__u32 call; /* TNB_CALL_NONE: the thread was in none that has a number
		     */
	bool compat;
};

/* The call by its number in 64-bit code (SYS_…). -1: it is none of those that
 * we know. */
long tnb_call_end_number(const struct tnb_call_end *end);

/* Of a stopped thread that the caller traces. */
TNB_MUST_CHECK int tnb_call_end_get(pid_t tid, struct tnb_call_end *end);
/* The result of the call that it is in. No other register is touched. */
TNB_MUST_CHECK int tnb_call_end_set(pid_t tid, __s64 result);

/* Whether the kernel makes a call again where a signal is delivered before the
 * thread goes on; without one it does. Where not, the call returns EINTR. */
enum tnb_again {
	TNB_AGAIN_ALWAYS,
	TNB_AGAIN_IF_ASKED, /* by SA_RESTART */
	TNB_AGAIN_NOT,
};
/* Have the kernel make the call again. */
TNB_MUST_CHECK int tnb_call_end_again(pid_t tid, enum tnb_again again);
/* Does the kernel make it again by itself, with the time that it has noted? */
bool tnb_call_end_is_with_rest(const struct tnb_call_end *end);

/* ---- Signal frames ----------------------------------------------------- */

/* The kernel's frame holds the registers of the code that the signal
 * interrupted. */
struct tnb_signal_frame {
	__u64 pc, sp;
};

/* Of 64-bit or 32-bit programs, in bytes. */
struct tnb_signal_frames {
	size_t word;
	/* Of a frame in front of the saved program counter, and from its
	 * beginning on. */
	size_t before, behind;
	/* Whether there may be the saved program counter of a frame. */
	bool (*at)(const unsigned char *word, struct tnb_signal_frame *frame);
};

const struct tnb_signal_frames *tnb_signal_frames(bool narrow);

/* ---- The budget -------------------------------------------------------- */

/*
 * ptrace(2), 0 or a negative errno. A signal handler that calls
 * tnb_bounded_ptrace_end() ends it with -EINTR where the kernel would make it
 * again. PTRACE_SEIZE waits for the end of an exec so (-ERESTARTNOINTR of
 * kernel/ptrace.c, ptrace_attach()), and an exec for a file system that may
 * never answer.
 */
long tnb_bounded_ptrace(long request, long tid, const void *address,
			const void *data);
/* `context`: the third argument of the handler. */
void tnb_bounded_ptrace_end(void *context);

/* ---- The stub (loader/payload/stub.h) ---------------------------------- */

#define TNB_STUB_DATA_MAX 512u

/* What the stub needs to go on by itself. */
struct tnb_stub_task {
	struct tnb_registers regs; /* to be restored */
	__u64 mask;		   /* so is this signal mask */
	__u64 map_offset;	   /* of the clock page in its map */
	__u64 map_at;		   /* the three pages, 0: to be mapped, too */
};

#define TNB_STUB_CALLS_MAX 16u

/* The system calls that it makes; returns how many. */
size_t tnb_stub_calls(const struct tnb_stub_task *task,
		      struct tnb_filter_call calls[TNB_STUB_CALLS_MAX]);

/* The data that follow the stub's code; returns their size. */
size_t tnb_stub_data(const struct tnb_stub_task *task,
		     unsigned char data[TNB_STUB_DATA_MAX]);
/* Where its pair of sockets is, of a thread that runs it. */
__u64 tnb_stub_sockets(const struct tnb_registers *regs);

#endif
