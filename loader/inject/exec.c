/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf/exec.bpf.c tells of an exec while it is under way. To trace the thread
 * then is to wait for the exec's own lock; the interruption that was asked for
 * comes on the way to the program's first instruction.
 *
 * What is written, in this order, is valid at each step for a process that we
 * leave there: pages that nobody refers to, the image in them, jumps to it in
 * the kernel's vDSO, the auxiliary vector.
 */
#include "exec.h"

#include "../service/state.h"
#include "place.h"
#include "stack.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <timensbpf/abi/latch.h>
#include <timensbpf/abi/vdso_link.h>
#include <unistd.h>

#define USER_CS_64 0x33
/* No pass is this number: the page is never read. */
#define NO_PASS (~0ULL)
/* System calls of the stub after the pages were filled, times two. */
#define STUB_STOPS_MAX 16

struct start {
	const struct tnb_injector *injector;
	const struct tnb_loader_event *exec;
	struct tnb_remote remote;
	struct user_regs_struct regs;
	__u64 entry, vdso; /* of the auxiliary vector */
	__u64 address;	   /* of the three pages */
	int channel;
};

/* ---- Is it what we came for? --------------------------------------------- */

/* ELF_PLAT_INIT() clears all registers (arch/x86/include/asm/elf.h); the first
 * instructions of every program set some. */
static bool is_fresh(const struct user_regs_struct *regs)
{
	return regs->cs == USER_CS_64 &&
	       !(regs->rax | regs->rbx | regs->rcx | regs->rdx | regs->rsi |
		 regs->rdi | regs->rbp | regs->r8 | regs->r9 | regs->r10 |
		 regs->r11 | regs->r12 | regs->r13 | regs->r14 | regs->r15);
}

/* 11 and 358 from 32-bit code. */
static bool exec_has_failed(const struct user_regs_struct *regs)
{
	return (long)regs->rax < 0 && (long)regs->rax >= -4095 &&
	       ((long)regs->orig_rax == SYS_execve ||
		(long)regs->orig_rax == SYS_execveat ||
		(long)regs->orig_rax == 11 || (long)regs->orig_rax == 358);
}

/* The same kernel gives everybody the same vDSO. */
static int check_vdso(const struct start *start)
{
	const void *own = (const void *)getauxval(AT_SYSINFO_EHDR);
	unsigned char header[sizeof(Elf64_Ehdr)];
	int err = tnb_remote_read(&start->remote, start->vdso, header,
				  sizeof(header));

	if (err)
		return err;
	return own && !memcmp(own, header, sizeof(header)) ? 0 : -ENOEXEC;
}

static int examine(struct start *start, enum tnb_slow *why)
{
	int err = tnb_remote_get_regs(&start->remote, &start->regs);

	*why = TNB_SLOW_IA32;
	if (err)
		return err;
	if (exec_has_failed(&start->regs))
		return -ECANCELED;
	if (!is_fresh(&start->regs)) {
		*why = start->regs.cs == USER_CS_64 ? TNB_SLOW_LATE
						    : TNB_SLOW_IA32;
		return -EINVAL;
	}
	*why = TNB_SLOW_OTHER;
	err = tnb_stack_find_vdso(&start->remote, start->regs.rsp,
				  &start->entry, &start->vdso);
	return err ? err : check_vdso(start);
}

/* ---- Writing ------------------------------------------------------------- */

static int write_image(const struct start *start)
{
	const struct tnb_vdso *vdso = start->injector->vdso;
	__u64 link_at = start->address + TNB_PAGE_SIZE;
	struct tnb_vdso_link link;
	int err;

	tnb_vdso_link(vdso, start->vdso, start->exec->slot, NO_PASS, &link);
	err = tnb_remote_write(&start->remote, link_at + TNB_PAGE_SIZE,
			       vdso->image, TNB_PAGE_SIZE);
	return err ? err
		   : tnb_remote_write(&start->remote, link_at, &link,
				      sizeof(link));
}

/*
 * The pass is good as long as nobody left the rule since the process was seen
 * in it: if the count of those who left is what it was then, the process is
 * among those whose leaving takes the pass away, from here on.
 */
static int write_pass(const struct start *start)
{
	const struct tnb_clock_page *page =
		&start->injector->pages[start->exec->slot];
	__u64 pass = (__u32)start->exec->pass;

	if (!pass || tnb_read_once(page->taken) != start->exec->taken)
		return 0;
	return tnb_remote_write(&start->remote,
				start->address + TNB_PAGE_SIZE +
					offsetof(struct tnb_vdso_link, pass),
				&pass, sizeof(pass));
}

static int write_jumps(const struct start *start)
{
	struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS];
	size_t count = tnb_vdso_jumps(start->injector->vdso,
				      start->address + 2 * TNB_PAGE_SIZE,
				      jumps);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		err = tnb_remote_write(&start->remote,
				       start->vdso + jumps[i].offset,
				       jumps[i].code, jumps[i].length);
	return err;
}

static int write_auxv(const struct start *start)
{
	const __u64 entry[2] = { AT_SYSINFO_EHDR,
				 start->address + 2 * TNB_PAGE_SIZE };

	return tnb_remote_write(&start->remote, start->entry, entry,
				sizeof(entry));
}

static int fill(const struct start *start)
{
	int err = write_image(start);

	if (!err)
		err = write_pass(start);
	if (!err)
		err = write_jumps(start);
	return err ? err : write_auxv(start);
}

/* ---- All of it ----------------------------------------------------------- */

/* A seccomp filter is back in force when we let go: not before the last system
 * call of the stub. */
static int leave_stub(struct start *start)
{
	struct user_regs_struct regs;
	int err = 0;

	close(start->channel);
	start->channel = -1;
	for (int i = 0; !err && i < STUB_STOPS_MAX; i++) {
		err = tnb_remote_to_syscall(&start->remote);
		if (!err)
			err = tnb_remote_get_regs(&start->remote, &regs);
		/* Its exit: at its entry the result is still -ENOSYS. */
		if (!err && regs.orig_rax == SYS_rt_sigprocmask && !regs.rax)
			return 0;
	}
	return err;
}

static int inject(struct start *start)
{
	const struct tnb_vdso *vdso = start->injector->vdso;
	const struct tnb_place place = {
		.map = start->injector->map,
		.slot = start->exec->slot,
		.room = start->vdso + vdso->room,
		.room_size = vdso->room_size,
	};
	int err = tnb_place(&start->remote, &place, &start->address,
			    &start->channel);

	if (!err)
		err = fill(start);
	if (!err && start->remote.filter)
		err = leave_stub(start);
	return err;
}

static enum tnb_slow reason_of(int err)
{
	switch (err) {
	case -EMFILE:
		return TNB_SLOW_FILES;
	case -ESRCH:
		return TNB_SLOW_GONE;
	case -ENOSPC:
		return TNB_SLOW_OTHER;
	default:
		return TNB_SLOW_REFUSED;
	}
}

static enum tnb_start start_of(int err)
{
	switch (err) {
	case 0:
		return TNB_START_FAST;
	case -ECANCELED:
		return TNB_START_FAILED;
	case -ETIMEDOUT:
		return TNB_START_STUCK;
	default:
		return TNB_START_SLOW;
	}
}

static void let_go(struct start *start, struct tnb_outcome *outcome)
{
	outcome->when_ns = tnb_state_now();
	tnb_remote_detach(&start->remote);
	if (start->channel >= 0)
		close(start->channel);
}

struct tnb_outcome tnb_inject_exec(const struct tnb_injector *injector,
				   const struct tnb_loader_event *exec,
				   unsigned int ms)
{
	struct tnb_outcome outcome = { .why = TNB_SLOW_OTHER };
	struct start start = {
		.injector = injector,
		.exec = exec,
		.channel = -1,
	};
	int err = tnb_remote_seize((pid_t)exec->tid, (pid_t)exec->tgid,
				   &start.remote, ms);

	if (err) {
		outcome.why = err == -ESRCH ? TNB_SLOW_GONE : TNB_SLOW_TRACED;
	} else {
		err = examine(&start, &outcome.why);
		if (!err) {
			err = inject(&start);
			outcome.why = reason_of(err);
		}
		let_go(&start, &outcome);
	}
	tnb_budget_end();
	outcome.start = start_of(err);
	return outcome;
}
