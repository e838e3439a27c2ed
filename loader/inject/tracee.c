/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "tracee.h"

#include "base/proc.h"
#include "budget.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- ptrace -------------------------------------------------------------- */

/* glibc's prototype is variadic with an enum of its own. */
static long trace(int request, pid_t tid, const void *address, const void *data)
{
	return syscall(SYS_ptrace, request, tid, address, data) < 0 ? -errno
								    : 0;
}

/* Without the option an exec of a thread that was seized is not seen. A thread
 * that starts is seized within its exec, and has the option once it has stopped
 * behind that. */
static long options_of(bool sees_exec)
{
	return PTRACE_O_TRACESYSGOOD | (sees_exec ? PTRACE_O_TRACEEXEC : 0);
}

static long seize(const struct tnb_tracee *tracee)
{
	return tnb_bounded_ptrace(PTRACE_SEIZE, tracee->tid, NULL,
				  (void *)options_of(tracee->live));
}

/* A thread whose mode cannot be read counts as one with a filter. */
static void look_at_seccomp(struct tnb_tracee *tracee)
{
	int mode = tnb_proc_seccomp(tracee->tid);

	tracee->strict = mode == SECCOMP_MODE_STRICT;
	tracee->filter = mode != SECCOMP_MODE_DISABLED && !tracee->strict;
}

int tnb_tracee_open(struct tnb_tracee *tracee)
{
	long err = tracee->live ? 0
				: trace(PTRACE_SETOPTIONS, tracee->tid, NULL,
					(void *)options_of(true));
	char path[32];

	if (err)
		return (int)err;
	if (tracee->mem >= 0)
		close(tracee->mem);
	look_at_seccomp(tracee);
	snprintf(path, sizeof(path), "/proc/%d/mem", tracee->tid);
	tracee->mem = open(path, O_RDWR | O_CLOEXEC);
	tracee->executed = false;
	return tracee->mem < 0 ? -errno : 0;
}

int tnb_tracee_seize(pid_t tid, pid_t tgid, struct tnb_tracee *tracee,
		     unsigned int ms)
{
	int err = tnb_budget_begin(ms);

	*tracee = (struct tnb_tracee){ .tid = tid, .tgid = tgid, .mem = -1 };
	if (!err)
		err = (int)seize(tracee);
	if (err)
		return err;
	err = tnb_tracee_interrupt(tracee);
	/* It is ours and cannot be detached from while it runs: only the end
	 * of this thread lets go of it. */
	return err && err != -ESRCH ? -ETIMEDOUT : err;
}

int tnb_tracee_stop(struct tnb_tracee *tracee)
{
	int err = tnb_tracee_wait(tracee);

	if (err)
		return err == -ESRCH ? err : -ETIMEDOUT;
	err = tnb_tracee_open(tracee);
	if (err)
		(void)tnb_tracee_detach(tracee);
	return err;
}

int tnb_tracee_begin(pid_t tid, pid_t tgid, struct tnb_tracee *tracee)
{
	*tracee = (struct tnb_tracee){
		.tid = tid, .tgid = tgid, .mem = -1, .live = true
	};
	return (int)seize(tracee);
}

enum stop { STOP_SYSCALL, STOP_TRAP, STOP_EXEC, STOP_SIGNAL };

/* A trap is what was asked for, or tells of a group stop: in both cases the
 * thread can be worked with. */
static enum stop classify(int status)
{
	switch (status >> 16) {
	case PTRACE_EVENT_STOP:
		return STOP_TRAP;
	case PTRACE_EVENT_EXEC:
		return STOP_EXEC;
	default:
		return WSTOPSIG(status) == (SIGTRAP | 0x80) ? STOP_SYSCALL
							    : STOP_SIGNAL;
	}
}

#define WAIT_TRACED (__WALL | __WNOTHREAD)

static bool is_signal(const siginfo_t *info)
{
	return info->si_code == CLD_TRAPPED && !(info->si_status >> 8) &&
	       info->si_status != (SIGTRAP | 0x80);
}

/*
 * As waitpid(2); but a signal that is about to be delivered is left there to be
 * waited for. If the tracer dies before PTRACE_CONT passes it on, a signal
 * that was waited for is lost: that clears the number which the thread finds
 * when it goes on (kernel/exit.c, wait_task_stopped()).
 */
static pid_t wait_next(pid_t pid, int *status, int flags)
{
	siginfo_t info = { 0 };

	if (waitid(pid > 0 ? P_PID : P_ALL, (id_t)pid, &info,
		   WEXITED | WSTOPPED | WNOWAIT | WAIT_TRACED | flags))
		return -1;
	if (!info.si_pid)
		return 0;
	if (!is_signal(&info))
		return waitpid(info.si_pid, status, WAIT_TRACED);
	*status = W_STOPCODE(info.si_status);
	return info.si_pid;
}

/* After an exec the thread may have its process' number. Reports on other
 * threads are about earlier tracees that were killed. 1: no stop yet. */
static int next_stop(struct tnb_tracee *tracee, int *status, int flags)
{
	pid_t tid, from = tracee->live ? tracee->tid : -1;

	do {
		if (tnb_budget_is_spent())
			return -ETIMEDOUT;
		tid = wait_next(from, status, flags);
	} while ((tid < 0 && errno == EINTR) ||
		 (tid > 0 && tid != tracee->tid && tid != tracee->tgid));
	if (!tid)
		return 1;
	if (tid < 0 || !WIFSTOPPED(*status)) {
		tracee->gone = true;
		return -ESRCH;
	}
	tracee->tid = tid;
	if (tracee->mem >= 0 && classify(*status) == STOP_EXEC)
		tracee->executed = true;
	return tracee->executed ? -ESRCH : 0;
}

/*
 * A signal that is being delivered goes on, and has its effect. After a SIGSTOP
 * the thread can be worked with in the group stop, too, and is found there when
 * it is let go of (kernel/ptrace.c, __ptrace_unlink()), unless a SIGCONT has
 * come by then.
 */
static int pass_over(const struct tnb_tracee *tracee, enum stop stop,
		     int status, int request)
{
	long signal = stop == STOP_SIGNAL ? WSTOPSIG(status) : 0;

	return (int)trace(request, tracee->tid, NULL, (void *)signal);
}

/* Other stops are passed over by `request`. */
static int wait_for(struct tnb_tracee *tracee, enum stop wanted, int request)
{
	int status, err = next_stop(tracee, &status, 0);

	while (!err) {
		enum stop stop = classify(status);

		if (stop == wanted)
			return 0;
		/* Any stop takes the place of the one that was asked for
		 * (kernel/signal.c, ptrace_stop()). */
		err = wanted == STOP_TRAP ? tnb_tracee_interrupt(tracee) : 0;
		if (!err)
			err = pass_over(tracee, stop, status, request);
		if (!err)
			err = next_stop(tracee, &status, 0);
	}
	return err;
}

int tnb_tracee_keep_running(struct tnb_tracee *tracee)
{
	int status, err = next_stop(tracee, &status, WNOHANG);

	if (err)
		return err < 0 ? err : 0;
	err = pass_over(tracee, classify(status), status, PTRACE_CONT);
	return err ? err : 1;
}

int tnb_tracee_wait(struct tnb_tracee *tracee)
{
	return wait_for(tracee, STOP_TRAP, PTRACE_CONT);
}

int tnb_tracee_to_syscall(struct tnb_tracee *tracee)
{
	long err = trace(PTRACE_SYSCALL, tracee->tid, NULL, NULL);

	return err ? (int)err : wait_for(tracee, STOP_SYSCALL, PTRACE_SYSCALL);
}

int tnb_tracee_continue(const struct tnb_tracee *tracee)
{
	return (int)trace(PTRACE_CONT, tracee->tid, NULL, NULL);
}

int tnb_tracee_interrupt(const struct tnb_tracee *tracee)
{
	return (int)trace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
}

int tnb_tracee_detach(struct tnb_tracee *tracee)
{
	long err;

	if (tracee->mem >= 0)
		close(tracee->mem);
	tracee->mem = -1;
	if (tracee->gone)
		return 0;
	err = trace(PTRACE_DETACH, tracee->tid, NULL, NULL);
	/* Another thread of its process executed a program, which took the
	 * first one's number, and may have been one of ours. */
	return err == -ESRCH ? -ETIMEDOUT : (int)err;
}

/* ---- Registers and memory ------------------------------------------------ */

/* The sigset_t of the kernel. */
#define KERNEL_SIGSET 8UL

int tnb_tracee_get_regs(const struct tnb_tracee *tracee,
			struct tnb_registers *regs)
{
	return tnb_registers_get(tracee->tid, regs);
}

int tnb_tracee_set_regs(const struct tnb_tracee *tracee,
			const struct tnb_registers *regs)
{
	return tracee->executed ? -ESRCH : tnb_registers_set(tracee->tid, regs);
}

int tnb_tracee_get_mask(const struct tnb_tracee *tracee, __u64 *mask)
{
	return (int)trace(PTRACE_GETSIGMASK, tracee->tid, (void *)KERNEL_SIGSET,
			  mask);
}

int tnb_tracee_set_mask(const struct tnb_tracee *tracee, __u64 mask)
{
	if (tracee->executed)
		return -ESRCH;
	return (int)trace(PTRACE_SETSIGMASK, tracee->tid, (void *)KERNEL_SIGSET,
			  &mask);
}

int tnb_tracee_read(const struct tnb_tracee *tracee, __u64 address, void *to,
		    size_t size)
{
	ssize_t got = pread(tracee->mem, to, size, (off_t)address);

	return got == (ssize_t)size ? 0 : got < 0 ? -errno : -EFAULT;
}

int tnb_tracee_write(const struct tnb_tracee *tracee, __u64 address,
		     const void *from, size_t size)
{
	ssize_t put = tracee->executed
			      ? 0
			      : pwrite(tracee->mem, from, size, (off_t)address);

	if (tracee->executed)
		return -ESRCH;
	return put == (ssize_t)size ? 0 : put < 0 ? -errno : -EFAULT;
}
