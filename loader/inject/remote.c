/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "remote.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- Budget -------------------------------------------------------------- */

#define BUDGET_SIGNAL SIGRTMIN
/* Again, in case the first signal came just before the call that was to be
 * interrupted. */
#define BUDGET_AGAIN_NS 2000000L

static __thread timer_t budget_timer;
static __thread bool budget_timer_exists;
static __thread volatile sig_atomic_t budget_spent;

static void spend(int number)
{
	(void)number;
	budget_spent = 1;
}

static int make_budget_timer(void)
{
	struct sigaction action = { .sa_handler = spend };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = BUDGET_SIGNAL };
	sigset_t set;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigemptyset(&set);
	sigaddset(&set, BUDGET_SIGNAL);
	if (sigaction(BUDGET_SIGNAL, &action, NULL) ||
	    pthread_sigmask(SIG_UNBLOCK, &set, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &budget_timer))
		return -errno;
	budget_timer_exists = true;
	return 0;
}

int tnb_budget_begin(unsigned int ms)
{
	const struct itimerspec budget = {
		.it_value = { .tv_sec = ms / 1000,
			      .tv_nsec = (long)(ms % 1000) * 1000000L },
		.it_interval = { .tv_nsec = BUDGET_AGAIN_NS },
	};
	int err = budget_timer_exists ? 0 : make_budget_timer();

	budget_spent = 0;
	if (!err && timer_settime(budget_timer, 0, &budget, NULL))
		err = -errno;
	return err;
}

void tnb_budget_end(void)
{
	const struct itimerspec none = { 0 };

	if (budget_timer_exists)
		timer_settime(budget_timer, 0, &none, NULL);
}

bool tnb_budget_is_spent(void)
{
	return budget_spent;
}

/* ---- ptrace -------------------------------------------------------------- */

/* glibc's prototype is variadic with an enum of its own. */
static long trace(int request, pid_t tid, const void *address, const void *data)
{
	return syscall(SYS_ptrace, request, tid, address, data) < 0 ? -errno
								    : 0;
}

/*
 * With the stop at the end of an exec no thread gets away between being seized
 * and being interrupted: bpf/exec.bpf.c looks whether it is traced before that
 * stop would come, and else stops the process.
 */
#define SEIZE_OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)

static long seize(pid_t tid)
{
	long err = trace(PTRACE_SEIZE, tid, NULL,
			 (void *)(SEIZE_OPTIONS | PTRACE_O_SUSPEND_SECCOMP));

	/* Without CONFIG_CHECKPOINT_RESTORE filters cannot be suspended. */
	return err == -EINVAL
		       ? trace(PTRACE_SEIZE, tid, NULL, (void *)SEIZE_OPTIONS)
		       : err;
}

static bool has_filter(pid_t tid)
{
	return syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, 0, NULL) > 0;
}

static int open_memory(struct tnb_remote *remote)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", remote->tid);
	remote->mem = open(path, O_RDWR | O_CLOEXEC);
	return remote->mem < 0 ? -errno : 0;
}

/* A thread that executes a program takes its leader's number meanwhile. */
static long seize_either(pid_t tid, pid_t tgid)
{
	long err = seize(tid);

	return err == -ESRCH && tid != tgid ? seize(tgid) : err;
}

static long interrupt_either(pid_t tid, pid_t tgid)
{
	long err = trace(PTRACE_INTERRUPT, tid, NULL, NULL);

	return err == -ESRCH && tid != tgid
		       ? trace(PTRACE_INTERRUPT, tgid, NULL, NULL)
		       : err;
}

static int stop_first(struct tnb_remote *remote, unsigned int ms)
{
	long err = tnb_budget_begin(ms);

	if (!err)
		err = interrupt_either(remote->tid, remote->tgid);
	if (!err)
		err = tnb_remote_wait(remote);
	/* It is ours and cannot be detached from while it runs: only the end
	 * of this thread lets go of it. */
	return err && err != -ESRCH ? -ETIMEDOUT : (int)err;
}

int tnb_remote_seize(pid_t tid, pid_t tgid, struct tnb_remote *remote,
		     unsigned int ms)
{
	int err = (int)seize_either(tid, tgid);

	*remote = (struct tnb_remote){ .tid = tid, .tgid = tgid, .mem = -1 };
	if (!err)
		err = stop_first(remote, ms);
	if (err)
		return err;
	err = open_memory(remote);
	if (err)
		tnb_remote_detach(remote);
	else
		remote->filter = has_filter(remote->tid);
	return err;
}

static bool is_held_by_us(const struct tnb_remote *remote)
{
	siginfo_t info = { 0 };

	return !trace(PTRACE_GETSIGINFO, remote->tid, NULL, &info) &&
	       info.si_code == SI_KERNEL;
}

enum stop { STOP_SYSCALL, STOP_TRAP, STOP_EXEC, STOP_SIGNAL };

/* A trap is what was asked for, or tells of a group stop: in both cases the
 * thread can be worked with. */
static enum stop classify(struct tnb_remote *remote, int status)
{
	int signal = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_STOP:
		if (signal == SIGSTOP)
			remote->held = true;
		return STOP_TRAP;
	case PTRACE_EVENT_EXEC:
		return STOP_EXEC;
	default:
		return signal == (SIGTRAP | 0x80) ? STOP_SYSCALL : STOP_SIGNAL;
	}
}

/* After an exec it may have its process' number. What is told of others is the
 * end of who was traced before and killed meanwhile. */
static int next_stop(struct tnb_remote *remote, int *status)
{
	pid_t tid;

	do {
		if (tnb_budget_is_spent())
			return -ETIMEDOUT;
		tid = waitpid(-1, status, __WALL | __WNOTHREAD);
	} while ((tid < 0 && errno == EINTR) ||
		 (tid > 0 && tid != remote->tid && tid != remote->tgid));
	if (tid < 0 || !WIFSTOPPED(*status)) {
		remote->gone = true;
		return -ESRCH;
	}
	remote->tid = tid;
	return 0;
}

/* A signal that is being delivered: SIGSTOP is kept back, others go on. */
static int pass_signal(struct tnb_remote *remote, int status, int request)
{
	long signal = WSTOPSIG(status);

	if (signal == SIGSTOP) {
		if (!is_held_by_us(remote))
			remote->stop = true;
		signal = 0;
	}
	return (int)trace(request, remote->tid, NULL, (void *)signal);
}

/* Other stops are passed over by `request`. */
static int wait_for(struct tnb_remote *remote, enum stop wanted, int request)
{
	int status, err;

	for (;;) {
		enum stop stop;

		err = next_stop(remote, &status);
		if (err)
			return err;
		stop = classify(remote, status);
		if (stop == wanted)
			return 0;
		/* Any stop takes the place of the one that was asked for
		 * (kernel/signal.c, ptrace_stop()). */
		err = wanted == STOP_TRAP ? tnb_remote_interrupt(remote) : 0;
		if (err)
			return err;
		err = stop == STOP_SIGNAL
			      ? pass_signal(remote, status, request)
			      : (int)trace(request, remote->tid, NULL, NULL);
		if (err)
			return err;
	}
}

int tnb_remote_wait(struct tnb_remote *remote)
{
	return wait_for(remote, STOP_TRAP, PTRACE_CONT);
}

int tnb_remote_to_syscall(struct tnb_remote *remote)
{
	long err = trace(PTRACE_SYSCALL, remote->tid, NULL, NULL);

	return err ? (int)err : wait_for(remote, STOP_SYSCALL, PTRACE_SYSCALL);
}

int tnb_remote_continue(const struct tnb_remote *remote)
{
	return (int)trace(PTRACE_CONT, remote->tid, NULL, NULL);
}

int tnb_remote_interrupt(const struct tnb_remote *remote)
{
	return (int)trace(PTRACE_INTERRUPT, remote->tid, NULL, NULL);
}

void tnb_remote_detach(struct tnb_remote *remote)
{
	if (remote->mem >= 0)
		close(remote->mem);
	remote->mem = -1;
	if (remote->gone)
		return;
	/* Only this ends a group stop. */
	if (remote->held && !remote->stop)
		kill(remote->tid, SIGCONT);
	trace(PTRACE_DETACH, remote->tid, NULL,
	      (void *)(long)(remote->stop ? SIGSTOP : 0));
}

/* ---- Registers and memory ------------------------------------------------ */

/* The sigset_t of the kernel. */
#define KERNEL_SIGSET 8UL

static int exchange_regs(const struct tnb_remote *remote, int request,
			 struct user_regs_struct *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };
	long err = trace(request, remote->tid, (void *)NT_PRSTATUS, &iov);

	/* A 32-bit thread has fewer. */
	return err ? (int)err : iov.iov_len == sizeof(*regs) ? 0 : -ENOEXEC;
}

int tnb_remote_get_regs(const struct tnb_remote *remote,
			struct user_regs_struct *regs)
{
	return exchange_regs(remote, PTRACE_GETREGSET, regs);
}

int tnb_remote_set_regs(const struct tnb_remote *remote,
			const struct user_regs_struct *regs)
{
	struct user_regs_struct copy = *regs;

	return exchange_regs(remote, PTRACE_SETREGSET, &copy);
}

int tnb_remote_get_mask(const struct tnb_remote *remote, __u64 *mask)
{
	return (int)trace(PTRACE_GETSIGMASK, remote->tid, (void *)KERNEL_SIGSET,
			  mask);
}

int tnb_remote_set_mask(const struct tnb_remote *remote, __u64 mask)
{
	return (int)trace(PTRACE_SETSIGMASK, remote->tid, (void *)KERNEL_SIGSET,
			  &mask);
}

int tnb_remote_read(const struct tnb_remote *remote, __u64 address, void *to,
		    size_t size)
{
	ssize_t got = pread(remote->mem, to, size, (off_t)address);

	return got == (ssize_t)size ? 0 : got < 0 ? -errno : -EFAULT;
}

int tnb_remote_write(const struct tnb_remote *remote, __u64 address,
		     const void *from, size_t size)
{
	ssize_t put = pwrite(remote->mem, from, size, (off_t)address);

	return put == (ssize_t)size ? 0 : put < 0 ? -errno : -EFAULT;
}
