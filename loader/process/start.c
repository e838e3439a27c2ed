/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf/life/start.bpf.c holds a thread in exec. It is traced there, and let on
 * when the stop is pending that it finds before the program's first
 * instruction.
 *
 * What is written, in this order, is valid at each step for a process that we
 * leave there: pages that nothing refers to, the image in them, jumps to it in
 * the kernel's vDSO, the auxiliary vector.
 */
#include "start.h"

#include "base/auxv.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/test_hooks.h"
#include "base/thread.h"
#include "base/proc.h"
#include "no_calls.h"
#include "rules/channel.h"
#include "inject/budget.h"
#include "inject/write_pages.h"
#include "inject/map_pages.h"
#include "inject/restart.h"

#include <elf.h>
#include <errno.h>
#include <abi/latch.h>
#include <abi/vdso_link.h>
#include <unistd.h>

struct start {
	const struct tnb_injector *injector;
	struct tnb_loader_event exec;
	struct tnb_tracee *tracee;
	struct tnb_registers regs;
	const struct tnb_vdso *kernels; /* of its kind of programs */
	__u64 entry, vdso;		/* of the auxiliary vector */
	__u64 address;			/* of the three pages */
	bool no_calls;
	int socket;
};

/* ---- Is it what we came for? --------------------------------------------- */

static unsigned int word_of(const struct start *start)
{
	return start->kernels->narrow ? sizeof(__u32) : sizeof(__u64);
}

/* The entry of the auxiliary vector that names the vDSO, or named it until
 * bpf/life/exec.bpf.c hid it. */
static int find_vdso(struct start *start)
{
	struct tnb_auxv_entry entry;
	/* The kernel has just written this stack. */
	const struct tnb_peek peek = { start->tracee->mem, -1 };
	struct tnb_auxv auxv;
	int next = tnb_auxv_begin(&auxv, &peek, tnb_registers_sp(&start->regs),
				  word_of(start));

	if (next < 0)
		return next;
	while ((next = tnb_auxv_next(&auxv, &entry)) > 0) {
		if (entry.type != AT_SYSINFO_EHDR && entry.type != AT_IGNORE)
			continue;
		start->entry = entry.at;
		start->vdso = entry.value;
		return 0;
	}
	return next ? next : -ENOENT;
}

static int examine(struct start *start, enum tnb_slow *why)
{
	int err = tnb_tracee_get_regs(start->tracee, &start->regs);

	*why = TNB_SLOW_REFUSED;
	if (err)
		return err;
	if (tnb_registers_are_of_failed_exec(&start->regs))
		return -ECANCELED;
	*why = TNB_SLOW_LATE;
	if (!tnb_registers_are_fresh(&start->regs))
		return -EINVAL;
	start->kernels = tnb_vdso_of(start->injector->vdsos,
				     tnb_registers_are_narrow(&start->regs));
	*why = TNB_SLOW_IA32;
	if (!start->kernels)
		return -EINVAL;
	*why = TNB_SLOW_REFUSED;
	if (start->tracee->strict)
		return -EPERM;
	start->no_calls =
		tnb_no_calls_thread(start->tracee, start->kernels->narrow);
	if (start->no_calls)
		err = tnb_no_calls_begin(start->injector, start->exec.slot);
	if (err)
		return err;
	*why = TNB_SLOW_OTHER;
	err = find_vdso(start);
	return err ? err
		   : tnb_write_check(start->tracee, start->kernels,
				     start->vdso);
}

/* ---- Writing ------------------------------------------------------------- */

int tnb_start_write_pass(const struct tnb_tracee *tracee, __u64 pages,
			 const struct tnb_clock_page *page, __u64 pass,
			 __u64 revocations)
{
	int err = tnb_write_pass(tracee, pages, pass);

	if (err)
		return err;
	/* The write above, then the look. The thread is stopped until then. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (tnb_load_acquire(page->revocations) == revocations)
		return 0;
	err = tnb_write_pass(tracee, pages, TNB_NO_PASS);
	return err ? err : 1;
}

static int write_pass(const struct start *start)
{
	const struct tnb_loader_event *exec = &start->exec;
	__u64 pass = (__u32)exec->pass;

	/* The link page has no pass yet. */
	return pass ? tnb_start_write_pass(
			      start->tracee, start->address,
			      tnb_pages_at(start->injector->pages, exec->slot),
			      pass, exec->revocations)
		    : 1;
}

/*
 * 32-bit programs make their system calls by the kernel's vDSO (AT_SYSINFO),
 * and their unwinders know the one that is named here, and no other: of a
 * thread that sleeps in a call, the kernel's has to be. Its entries lead to the
 * image all the same.
 */
static int write_auxv(const struct start *start)
{
	const __u64 wide[2] = { AT_SYSINFO_EHDR,
				start->address + 2 * TNB_PAGE_SIZE };
	const __u32 narrow[2] = { AT_SYSINFO_EHDR, (__u32)start->vdso };

	return tnb_tracee_write(start->tracee, start->entry,
				start->kernels->narrow ? (const void *)narrow
						       : (const void *)wide,
				2 * word_of(start));
}

static int write_all(const struct start *start)
{
	const struct tnb_writing fill = {
		.vdso = start->kernels,
		.at = start->vdso,
		.pages = start->address,
		.slot = start->exec.slot,
		.no_calls = start->no_calls,
	};
	int err = tnb_write_pages(start->tracee, &fill);

	if (!err)
		err = tnb_write_jumps(start->tracee, &fill);
	if (!err)
		err = write_auxv(start);
	if (!err)
		err = tnb_write_slot(start->tracee, &fill);
	/* For a process that was moved here between its exec and its first
	 * instruction: from now on all doors have the rule's time. */
	if (!err && start->injector->state)
		tnb_channel_forget_arrival(start->injector->state,
					   (pid_t)start->exec.tgid);
	/* Last: a process that has its slot counts as complete, even if we die
	 * here. */
	tnb_step();
	return err ? err : write_pass(start);
}

/* ---- All of it ----------------------------------------------------------- */

/* Looked at before and after: pages are never taken from a slot, but it may get
 * a new one in between. */
int tnb_start_open_page(const struct tnb_injector *injector, __u32 slot,
			__u64 generation, struct tnb_mapping_place *place)
{
	int map = tnb_pages_map(injector->pages, slot, &place->offset);
	const struct tnb_clock_page *page = tnb_pages_at(injector->pages, slot);

	place->map = map;
	if (map < 0 || !generation ||
	    tnb_load_acquire(page->generation) == generation)
		return map;
	close(map);
	return -ESTALE;
}

static int inject(struct start *start)
{
	const struct tnb_vdso *vdso = start->kernels;
	struct tnb_mapping_place place = {
		.room = start->vdso + vdso->room,
		.room_size = vdso->room_size,
	};
	_cleanup_close_
	int map = tnb_start_open_page(start->injector, start->exec.slot,
				      (__u32)start->exec.pass, &place);
	int err = map < 0 ? map
			  : tnb_map_pages(start->tracee, &place,
					  &start->address, &start->socket);

	return err ? err : write_all(start);
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

static enum tnb_slow reason_of(int err)
{
	switch (err) {
	case -EMFILE:
		return TNB_SLOW_FILES;
	case -ESRCH:
		return TNB_SLOW_GONE;
	case -EINTR:
	case -ETIMEDOUT:
		return TNB_SLOW_TIMEOUT;
	case -ENOSPC:
		return TNB_SLOW_OTHER;
	default:
		return TNB_SLOW_REFUSED;
	}
}

/*
 * Tracing it is refused. A patcher (patcher.h) that came first prepares it
 * where we would (-ECANCELED). Another thread of ours came for an earlier hold
 * of that thread, or of one that had its number, and lets go of it. Without a
 * tracer it has ended, or may not be traced at all.
 */
static int find_tracer(const struct tnb_injector *injector,
		       const struct tnb_loader_event *exec,
		       struct tnb_outcome *outcome)
{
	pid_t tracer = tnb_proc_tracer((pid_t)exec->tid);

	if (tnb_channel_is_patcher(injector->state, tracer))
		return -ECANCELED;
	outcome->is_later = tracer > 0 && tnb_proc_first(tracer) == getpid();
	outcome->why = tracer < 0	   ? TNB_SLOW_GONE
		       : tracer == 0	   ? TNB_SLOW_REFUSED
		       : outcome->is_later ? TNB_SLOW_MISSED
					   : TNB_SLOW_TRACED;
	return -EPERM;
}

/* Of seizing and stopping: what the loader itself lacks. */
static enum tnb_slow reason_to_seize(int err)
{
	switch (err) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return TNB_SLOW_SHORT;
	default:
		return reason_of(err);
	}
}

bool tnb_start_is_fresh(const struct tnb_tracee *tracee)
{
	struct tnb_registers regs;

	return !tnb_tracee_get_regs(tracee, &regs) &&
	       tnb_registers_are_fresh(&regs);
}

int tnb_start_prepare(const struct tnb_injector *injector,
		      struct tnb_tracee *tracee,
		      const struct tnb_loader_event *exec, int *socket,
		      enum tnb_slow *why)
{
	struct start start = {
		.injector = injector,
		.exec = *exec,
		.tracee = tracee,
		.socket = -1,
	};
	int err;

	err = examine(&start, why);
	if (!err) {
		err = inject(&start);
		*why = reason_of(err);
	}
	*socket = start.socket;
	return err;
}

static int let_go(struct tnb_tracee *tracee, int socket)
{
	int err = tnb_tracee_detach(tracee);

	tnb_map_pages_close(&socket);
	return err == -ETIMEDOUT ? err : 0;
}

/* Of a stopped thread. */
static int prepare(const struct tnb_injector *injector,
		   struct tnb_tracee *tracee,
		   const struct tnb_loader_event *exec,
		   struct tnb_outcome *outcome)
{
	int socket = -1;
	int err = tnb_start_prepare(injector, tracee, exec, &socket,
				    &outcome->why);

	/* It runs already, and may have been in a system call. */
	outcome->has_no_pass = err > 0;
	if (err > 0)
		err = 0;
	if (err && outcome->why == TNB_SLOW_LATE)
		(void)!tnb_restart_interrupted(tracee);
	return let_go(tracee, socket) ? -ETIMEDOUT : err;
}

/* The thread has given up, or another has its number: it goes on as if we had
 * not come. The program that held it has counted the start. */
static int leave(struct tnb_tracee *tracee, struct tnb_outcome *outcome)
{
	int err = tnb_tracee_stop(tracee);

	outcome->is_counted = true;
	if (!err) {
		(void)!tnb_restart_interrupted(tracee);
		err = let_go(tracee, -1);
	}
	return err == -ETIMEDOUT ? err : -ECANCELED;
}

/* The thread is not held any longer. */
static int refuse(const struct tnb_injector *injector,
		  const struct tnb_loader_event *exec, int err,
		  struct tnb_outcome *outcome)
{
	if (err == -EPERM)
		err = find_tracer(injector, exec, outcome);
	else
		outcome->why = reason_to_seize(err);
	outcome->is_counted = !tnb_channel_answer(injector->state, exec->hold,
						  TNB_HOLD_REFUSED);
	return outcome->is_counted && err != -ETIMEDOUT ? -ECANCELED : err;
}

static int start_held(const struct tnb_injector *injector,
		      const struct tnb_loader_event *exec, unsigned int ms,
		      struct tnb_outcome *outcome)
{
	struct tnb_tracee tracee;
	int err = tnb_tracee_seize((pid_t)exec->tid, (pid_t)exec->tgid, &tracee,
				   ms);

	if (err)
		return refuse(injector, exec, err, outcome);
	if (!tnb_channel_answer(injector->state, exec->hold, TNB_HOLD_TAKEN))
		return leave(&tracee, outcome);
	/* Each stop is a switch between the two then, and wakes no idle CPU.
	 * Nor does a stop wait for a CPU that a hypervisor does not run. */
	tnb_thread_bind(exec->cpu);
	err = tnb_tracee_stop(&tracee);
	outcome->why = reason_to_seize(err);
	return err ? err : prepare(injector, &tracee, exec, outcome);
}

struct tnb_outcome tnb_start_program(const struct tnb_injector *injector,
				     const struct tnb_loader_event *exec,
				     unsigned int ms)
{
	struct tnb_outcome outcome = { .why = TNB_SLOW_OTHER };
	int err;

	if (!exec->hold)
		err = find_tracer(injector, exec, &outcome);
	else if (!tnb_channel_waits(injector->state, exec->hold))
		err = -ECANCELED;
	else
		err = start_held(injector, exec, ms, &outcome);
	tnb_budget_end();
	outcome.start = start_of(err);
	return outcome;
}
