/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread of another process, traced for a moment (ptrace(2)).
 *
 * All functions belong to the thread that attached: ptrace knows tracing
 * threads, not processes. Waits end with the budget of that thread
 * (budget.h). If the tracing thread ends, the kernel lets go of the
 * tracee wherever it is: it must be able to go on alone at every moment.
 */
#ifndef TIMENSBPF_LOADER_INJECT_TRACEE_H
#define TIMENSBPF_LOADER_INJECT_TRACEE_H

#include "arch.h"

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>
#include <timensbpf/timensbpf.h>

struct tnb_tracee {
	pid_t tid; /* as waitpid(2) knows it */
	pid_t tgid;
	int mem;       /* /proc/TID/mem, -1: not open */
	bool live;     /* one of many: see tnb_tracee_begin() */
	bool filter;   /* it has seccomp filters */
	bool strict;   /* it may make no system call that we need */
	bool gone;     /* it has ended */
	bool executed; /* another program, since its memory was opened */
};

/*
 * Attach to a thread and have it stop on its way to user mode. The budget of
 * `ms` begins. When this returns 0, the thread does not run in user mode before
 * it has stopped, and tnb_tracee_stop() has to follow. -ESRCH gone, -EPERM
 * traced by another, -EINTR: the budget was spent, and it is not traced;
 * -ETIMEDOUT: it is, and only the end of the calling thread lets go of it.
 */
TNB_MUST_CHECK int tnb_tracee_seize(pid_t tid, pid_t tgid,
				    struct tnb_tracee *tracee, unsigned int ms);
/* Wait for that stop, and open its memory. -ESRCH, -ETIMEDOUT: it does not
 * stop, and is ours until the calling thread ends; others: it was let go of. */
TNB_MUST_CHECK int tnb_tracee_stop(struct tnb_tracee *tracee);

/*
 * Attach to a thread of a running process; it goes on until it is interrupted,
 * and can be let go of only then. Its budget is the caller's, its memory is not
 * opened, its signals stay its own: a job that is stopped stays so. -ESRCH,
 * -EPERM, -EINTR: it executes a program, and the budget is spent.
 */
TNB_MUST_CHECK int tnb_tracee_begin(pid_t tid, pid_t tgid,
				    struct tnb_tracee *tracee);
/*
 * Open the memory of a stopped thread; closed by tnb_tracee_detach(). May be
 * called again.
 *
 * The memory that is written to is that of the program whose registers are set:
 * if the thread executes another one from here on, each wait for it ends with
 * -ESRCH, and so does all that changes it. It is stopped then, and can be let
 * go of, or be opened anew.
 */
TNB_MUST_CHECK int tnb_tracee_open(struct tnb_tracee *tracee);

/* Wait for the stop that was asked for. -ESRCH, -ETIMEDOUT. */
TNB_MUST_CHECK int tnb_tracee_wait(struct tnb_tracee *tracee);
/* Run to the next entry or exit of a system call. As tnb_tracee_wait(). */
TNB_MUST_CHECK int tnb_tracee_to_syscall(struct tnb_tracee *tracee);
/* Let it run; stop it wherever it is. */
TNB_MUST_CHECK int tnb_tracee_continue(const struct tnb_tracee *tracee);
TNB_MUST_CHECK int tnb_tracee_interrupt(const struct tnb_tracee *tracee);
/* Of one that was told to run: if it has stopped since, it goes on (1). Does
 * not wait. -ESRCH, -ETIMEDOUT. */
TNB_MUST_CHECK int tnb_tracee_keep_running(struct tnb_tracee *tracee);

/* Let go of a stopped thread. Safe to call for one that is gone. -ETIMEDOUT: it
 * goes by another number now, and is ours until the calling thread ends. */
int tnb_tracee_detach(struct tnb_tracee *tracee);

TNB_MUST_CHECK int tnb_tracee_get_regs(const struct tnb_tracee *tracee,
				       struct tnb_registers *regs);
TNB_MUST_CHECK int tnb_tracee_set_regs(const struct tnb_tracee *tracee,
				       const struct tnb_registers *regs);
TNB_MUST_CHECK int tnb_tracee_get_mask(const struct tnb_tracee *tracee,
				       __u64 *mask);
TNB_MUST_CHECK int tnb_tracee_set_mask(const struct tnb_tracee *tracee,
				       __u64 mask);

/* All of it or an error; write also where the process itself may not. Of the
 * memory that was opened. */
TNB_MUST_CHECK int tnb_tracee_read(const struct tnb_tracee *tracee,
				   __u64 address, void *to, size_t size);
TNB_MUST_CHECK int tnb_tracee_write(const struct tnb_tracee *tracee,
				    __u64 address, const void *from,
				    size_t size);

#endif
