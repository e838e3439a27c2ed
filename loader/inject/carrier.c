/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "carrier.h"

#include <linux/kcmp.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A restartable sequence (rseq(2)) must not be left and come back to. A thread
 * in a system call is in none. Of other threads the kernel clears the pointer
 * when it next finds them outside.
 */
static bool is_in_sequence(const struct tnb_tracee *tracee,
			   const struct tnb_peek *peek)
{
	struct ptrace_rseq_configuration rseq = { 0 };
	struct tnb_registers regs;
	__u64 section = 0;

	if (tnb_tracee_get_regs(tracee, &regs))
		return true;
	if (tnb_registers_call(&regs) >= 0)
		return false;
	if (syscall(SYS_ptrace, PTRACE_GET_RSEQ_CONFIGURATION, tracee->tid,
		    sizeof(rseq), &rseq) <= 0 ||
	    !rseq.rseq_abi_pointer)
		return false;
	return tnb_peek_read(peek,
			     rseq.rseq_abi_pointer +
				     offsetof(struct rseq, rseq_cs),
			     &section, sizeof(section)) != sizeof(section) ||
	       section;
}

/* What it opens is taken from the first thread (pidfd_getfd(2)), and a thread
 * may have files of its own (unshare(2)). */
static bool has_files_of_first(const struct tnb_threads *threads, pid_t tid)
{
	return tid == threads->tgid ||
	       !syscall(SYS_kcmp, threads->tgid, tid, KCMP_FILES, 0UL, 0UL);
}

struct tnb_tracee *tnb_carrier_find(struct tnb_threads *threads,
				    const struct tnb_peek *peek, bool maps)
{
	for (size_t i = 0; i < threads->count; i++) {
		struct tnb_tracee *tracee = &threads->thread[i];

		if (!tracee->gone &&
		    (!maps || has_files_of_first(threads, tracee->tid)) &&
		    !is_in_sequence(tracee, peek))
			return tracee;
	}
	return NULL;
}
