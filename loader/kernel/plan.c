/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/error.h"

#include <errno.h>

/*
 * fexit is the cheapest, but not for a preemptible kernel: while a task stands
 * preempted inside the program, the kernel skips the program for all other
 * tasks of that CPU. Probes run with preemption off. docs/kernels.md has the
 * figures.
 */
static enum tnb_read_attach choose_read(const struct tnb_kernel *kernel)
{
	if (kernel->lockdown != TNB_LOCKDOWN_NONE)
		return TNB_ATTACH_NONE;
	if (!tnb_kernel_is_preemptible(kernel))
		return TNB_ATTACH_FEXIT;
	return kernel->session ? TNB_ATTACH_SESSION : TNB_ATTACH_KRETPROBE;
}

static unsigned int choose_copies(const struct tnb_kernel *kernel, int door)
{
	if (!kernel->time_door_modify[door])
		return 0;
	return tnb_kernel_is_preemptible(kernel) ? TNB_TIME_COPIES : 1;
}

/* Programs that answer time(2) themselves need no loader. */
static void choose_time(const struct tnb_kernel *kernel, struct tnb_plan *plan)
{
	static const enum tnb_door completed[TNB_TIME_DOOR_MAX] = {
#define COMPLETED(name, function, worker, layout) \
	[TNB_TIME_##name] = TNB_DOOR_##name,
		TNB_TIME_DOORS(COMPLETED)
#undef COMPLETED
	};

	for (int i = 0; i < TNB_TIME_DOOR_MAX; i++) {
		plan->time_copies[i] = choose_copies(kernel, i);
		if (plan->time_copies[i])
			plan->door[completed[i]] = false;
	}
}

static int check_read(const struct tnb_kernel *kernel,
		      enum tnb_read_attach read)
{
	if ((read == TNB_ATTACH_NONE) !=
	    (kernel->lockdown != TNB_LOCKDOWN_NONE))
		return tnb_fail(
			-EOPNOTSUPP,
			"lockdown is %s, so that clock reads are attached by %s: use --attach auto",
			read == TNB_ATTACH_NONE ? "not in force" : "in force",
			read == TNB_ATTACH_NONE ? "a program" : "none");
	if (read == TNB_ATTACH_SESSION && !kernel->session)
		return tnb_fail(
			-EOPNOTSUPP,
			"kernel %s has no kprobe sessions (6.10 and later have): use --attach auto",
			kernel->release);
	return 0;
}

int tnb_plan_choose(const struct tnb_kernel *kernel,
		    enum tnb_read_attach attach, struct tnb_plan *plan)
{
	struct tnb_plan chosen = {
		.read = attach,
		.session_takes_ctx = kernel->session_takes_ctx,
		.preemption = kernel->preemption,
	};
	int err;

	if (attach == TNB_ATTACH_AUTO)
		chosen.read = choose_read(kernel);
	err = check_read(kernel, chosen.read);
	if (err)
		return err;
	chosen.lsm = kernel->bpf_lsm && kernel->bpf_in_lsm_list != TNB_NO;
	memcpy(chosen.door, kernel->door, sizeof(chosen.door));
	memcpy(chosen.copy, kernel->copy, sizeof(chosen.copy));
	choose_time(kernel, &chosen);
	*plan = chosen;
	return 0;
}

bool tnb_plan_wants(const struct tnb_plan *plan,
		    const struct tnb_condition *condition)
{
	switch (condition->when) {
	case TNB_IF_ALWAYS:
		return true;
	case TNB_IF_LSM:
		return plan->lsm;
	case TNB_IF_NO_LSM:
		return !plan->lsm;
	case TNB_IF_READ:
		return plan->read == TNB_ATTACH_FEXIT &&
		       plan->door[condition->row];
	case TNB_IF_WAIT:
		return plan->read == TNB_ATTACH_FEXIT &&
		       plan->copy[condition->row];
	case TNB_IF_TIME:
		return condition->copy < plan->time_copies[condition->row];
	case TNB_IF_KRETPROBE:
		return plan->read == TNB_ATTACH_KRETPROBE;
	case TNB_IF_SESSION:
		return plan->read == TNB_ATTACH_SESSION;
	case TNB_IF_LOCKDOWN:
		return plan->lsm && plan->read == TNB_ATTACH_NONE;
	}
	return false;
}

bool tnb_plan_wants_program(const struct tnb_plan *plan,
			    const struct tnb_program *row)
{
	if (plan->read == TNB_ATTACH_NONE &&
	    row->flags & (TNB_WRITES | TNB_SERVES_WRITES))
		return false;
	return tnb_plan_wants(plan, &row->wanted);
}

#define READ_TARGET(name, function, worker, layout) \
	{ #name, #function, TNB_DOOR_##name },
static const struct tnb_point read_points[TNB_DOOR_MAX] = { TNB_READ_DOORS(
	READ_TARGET) };

#define WAIT_TARGET(function, holds, arguments) \
	{ #function, #function, TNB_COPY_##holds },
static const struct tnb_point wait_points[TNB_COPY_MAX] = { TNB_COPIES(
	WAIT_TARGET) };

size_t tnb_plan_points(const struct tnb_plan *plan, enum tnb_at at,
		       struct tnb_point points[TNB_POINTS_MAX])
{
	size_t count = 0;

	for (int i = 0; at == TNB_AT_READS && i < TNB_DOOR_MAX; i++)
		if (plan->door[i])
			points[count++] = read_points[i];
	for (int i = 0; at == TNB_AT_WAITS && i < TNB_COPY_MAX; i++)
		if (plan->copy[i])
			points[count++] = wait_points[i];
	return count;
}

const char *tnb_attach_name(enum tnb_read_attach attach)
{
	static const char *const names[] = {
		[TNB_ATTACH_AUTO] = "auto",
		[TNB_ATTACH_FEXIT] = "fexit",
		[TNB_ATTACH_SESSION] = "session",
		[TNB_ATTACH_KRETPROBE] = "kretprobe",
		[TNB_ATTACH_NONE] = "none",
	};

	return names[attach];
}
