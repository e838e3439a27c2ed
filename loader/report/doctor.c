/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What works on this machine, and what to do about the rest. */
#define _GNU_SOURCE
#include "doctor.h"

#include "base/error.h"
#include "base/log.h"
#include "finding.h"
#include "kernel/pins.h"
#include "kernel/plan.h"
#include "lockdown.h"
#include "requirements.h"
#include "rules/handle.h"
#include "vdso/kernel_vdso.h"
#include "vdso/image_pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ADVISE_PENDING "start timensbpfd, or use clock_gettime"

/* ---- Texts that tell what was found -------------------------------------- */

static void examine_release(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	tnb_finding_set(finding, TNB_OK, "kernel: %s", kernel->release);
}

static void examine_preemption(const struct tnb_kernel *kernel,
			       struct tnb_finding *finding)
{
	struct tnb_plan plan;
	const char *attach = "nothing";

	if (!tnb_plan_choose(kernel, TNB_ATTACH_AUTO, &plan))
		attach = tnb_attach_name(plan.read);
	tnb_finding_set(finding, TNB_OK,
			"preemption: %s; clock reads are corrected by %s",
			tnb_preemption_name(kernel->preemption), attach);
	if (kernel->preemption == TNB_PREEMPT_LAZY && kernel->hrtick) {
		finding->health = TNB_WARN;
		tnb_finding_advise(
			finding,
			"the scheduler feature HRTICK preempts often: 'echo NO_HRTICK > /sys/kernel/debug/sched/features' makes misses by other BPF users rarer");
	} else if (kernel->preemption == TNB_PREEMPT_UNKNOWN) {
		finding->health = TNB_WARN;
		tnb_finding_advise(
			finding,
			"/sys/kernel/debug/sched/preempt cannot be read: the kernel is taken as preemptible, reads cost more");
	}
}

/* Without the programs, or the right to ask them, there is nothing to tell. */
static void count_misses(struct tnb_finding *finding)
{
	struct tnb_figure *figures = NULL;
	struct tnb *tnb = NULL;
	int count = tnb_open(&tnb);

	if (!count)
		count = tnb_figures_load(tnb, &figures);
	tnb_close(&tnb);
	if (count < 0)
		return;
	tnb_finding_add_misses(figures, (size_t)count, finding);
	tnb_figures_free(&figures, (size_t)count);
}

/* While a task is preempted inside a map operation of bpf(2), the kernel skips
 * all kprobe programs of its CPU; it does not skip fexit programs. */
static void examine_misses(const struct tnb_kernel *kernel,
			   struct tnb_finding *finding)
{
	if (!tnb_kernel_is_preemptible(kernel)) {
		tnb_finding_set(finding, TNB_OK,
				"misses: none are expected without preemption");
		count_misses(finding);
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		kernel->session
			? "misses: beside others that update BPF maps heavily, clock reads can be missed; 'timensbpf show --figures' counts them"
			: "misses: beside others that update BPF maps heavily, clock reads can be missed, and this kernel does not count them");
	tnb_finding_advise(finding,
			   "boot with preempt=voluntary or preempt=none");
	count_misses(finding);
}

/* By the loader, because the time is the return value. */
static void examine_completed(struct tnb_finding *finding, const char *call,
			      const char *bits)
{
	if (tnb_loader_is_alive()) {
		tnb_finding_set(
			finding, TNB_OK,
			"%s, %s: completed by the loader; what it cannot complete shows as call_lost",
			call, bits);
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		"%s, %s: the system call returns the HOST's time while no loader serves, this kernel does not let BPF change a return value",
		call, bits);
	tnb_finding_advise(finding, ADVISE_PENDING);
}

static void examine_time_door(const struct tnb_kernel *kernel,
			      struct tnb_finding *finding,
			      enum tnb_time_door door, const char *bits)
{
	if (!kernel->time_door[door]) {
		tnb_finding_set(finding, TNB_OK,
				"time(2), %s: no such call here", bits);
		return;
	}
	if (!kernel->time_door_modify[door]) {
		examine_completed(finding, "time(2)", bits);
		return;
	}
	if (tnb_kernel_is_preemptible(kernel)) {
		tnb_finding_set(
			finding, TNB_OK,
			"time(2), %s: reached by fmod_ret; missed, and counted, while %d tasks stand preempted in it on one CPU",
			bits, TNB_TIME_COPIES);
		return;
	}
	tnb_finding_set(finding, TNB_OK, "time(2), %s: reached by fmod_ret",
			bits);
}

static void examine_time(const struct tnb_kernel *kernel,
			 struct tnb_finding *finding)
{
	examine_time_door(kernel, finding, TNB_TIME_x64_time, "64-bit");
}

static void examine_time_32(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	examine_time_door(kernel, finding, TNB_TIME_ia32_time32, "32-bit");
}

static void examine_times(const struct tnb_kernel *kernel,
			  struct tnb_finding *finding)
{
	if (kernel->door[TNB_DOOR_x64_times])
		examine_completed(finding, "times(2)", "64 and 32-bit");
	else
		tnb_finding_set(finding, TNB_OK, "times(2): no such call here");
}

static void examine_fast_path(const struct tnb_kernel *kernel,
			      struct tnb_finding *finding)
{
	struct tnb_vdsos vdsos;

	if (tnb_vdso_probe(&vdsos)) {
		tnb_finding_set(finding, TNB_WARN, "fast path: none here: %s",
				tnb_error_message());
		tnb_finding_advise(
			finding,
			"clocks are read by system calls: correct, but slower");
	} else if (kernel->lockdown == TNB_LOCKDOWN_INTEGRITY &&
		   !tnb_loader_is_alive()) {
		tnb_finding_set(
			finding, TNB_WARN,
			"fast path: there is one (layout %s), but no loader serves: programs start with the HOST's time",
			vdsos.wide.layout);
		tnb_finding_advise(finding, "start timensbpfd");
	} else {
		tnb_finding_of_vdso(&vdsos.wide, kernel->clock_source,
				    tnb_loader_is_alive(), finding);
	}
}

/* The vDSO of the programs that the kernel runs beside those of its own size.
 */
static void examine_narrow_path(const struct tnb_kernel *kernel,
				struct tnb_finding *finding)
{
	struct tnb_vdsos vdsos;

	if (!tnb_vdso_probe(&vdsos) && vdsos.narrow.size) {
		tnb_finding_set(
			finding, TNB_OK,
			"fast path, 32-bit: as that of 64-bit programs");
		return;
	}
	tnb_finding_set(
		finding, TNB_NOTE,
		kernel->lockdown == TNB_LOCKDOWN_INTEGRITY
			? "fast path, 32-bit: none here: all clocks of 32-bit programs are the HOST's"
			: "fast path, 32-bit: none here: 32-bit programs read clocks by system call");
	tnb_finding_advise(
		finding,
		"it needs a kernel that runs 32-bit programs and shows their vDSO (CONFIG_IA32_EMULATION, CONFIG_CHECKPOINT_RESTORE)");
}

static const char *const copy_names[TNB_COPY_MAX] = {
#define COPY_NAME(function, holds, arguments) [TNB_COPY_##holds] = #function,
	TNB_COPIES(COPY_NAME)
#undef COPY_NAME
};

/* A kernel built without 32-bit processes or io_uring lacks some functions, and
 * no deadline comes that way. A function that the compiler has inlined looks
 * the same. */
static void examine_waits(const struct tnb_kernel *kernel,
			  struct tnb_finding *finding)
{
	char missing[256] = "";
	size_t length = 0;

	for (int i = 0; i < TNB_COPY_MAX; i++)
		if (!kernel->copy[i])
			length += (size_t)snprintf(missing + length,
						   sizeof(missing) - length,
						   " %s", copy_names[i]);
	if (!missing[0]) {
		tnb_finding_set(
			finding, TNB_OK,
			"waits: absolute deadlines of clock_nanosleep, futex, mq_timed*, timers, timerfd, io_uring are reached");
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		"waits: not attachable here:%s; absolute deadlines that pass there stay the HOST's",
		missing);
	tnb_finding_advise(finding, "use relative timeouts there");
}

static void examine_loaded(const struct tnb_kernel *kernel,
			   struct tnb_finding *finding)
{
	struct tnb_loaded state;
	struct tnb_plan plan;
	int err = tnb_pins_loaded(&state);

	if (err == -ENOENT) {
		tnb_finding_set(finding, TNB_OK, "programs: not loaded");
		return;
	}
	if (err) {
		tnb_finding_set(finding, TNB_WARN, "programs: %s",
				tnb_error_message());
		tnb_finding_advise(
			finding,
			"'timensbpf unload' removes what is left there");
		return;
	}
	tnb_finding_set(finding, TNB_OK,
			"programs: version %s is loaded, reads attached by %s",
			state.version,
			tnb_attach_name((enum tnb_read_attach)state.attach));
	if (tnb_plan_choose(kernel, TNB_ATTACH_AUTO, &plan) ||
	    state.preemption == kernel->preemption)
		return;
	finding->health = TNB_WARN;
	tnb_finding_advise(
		finding,
		"preemption was %s when they were loaded and is %s now: end all rules, then 'timensbpf load'",
		tnb_preemption_name((enum tnb_preemption)state.preemption),
		tnb_preemption_name(kernel->preemption));
}

/* ---- What holds or does not ---------------------------------------------- */

static bool has_error_injection(const struct tnb_kernel *kernel)
{
	return kernel->error_injection;
}

/* By the layout of the caller's memory, the last column of the table. */
#define IS_64_native true
#define IS_64_compat false
#define IS_64_compat_time64 false
#define DOOR_IS_64(name, function, worker, layout) \
	[TNB_DOOR_##name] = IS_64_##layout,
static const bool is_64bit[TNB_DOOR_MAX] = { TNB_READ_DOORS(DOOR_IS_64) };
#undef DOOR_IS_64

static bool has_reads(const struct tnb_kernel *kernel)
{
	for (int i = 0; i < TNB_DOOR_MAX; i++)
		if (is_64bit[i] && !kernel->door[i])
			return false;
	return true;
}

static bool has_reads_32(const struct tnb_kernel *kernel)
{
	for (int i = 0; i < TNB_DOOR_MAX; i++)
		if (!is_64bit[i] && kernel->door[i])
			return true;
	return false;
}

static bool can_change_processes(const struct tnb_kernel *kernel)
{
	return kernel->checkpoint_restore;
}

static bool may_trace(const struct tnb_kernel *kernel)
{
	return !kernel->forbids_tracing;
}

static bool keeps_bpf_from_users(const struct tnb_kernel *kernel)
{
	return !kernel->users_load_bpf;
}

static bool reaches_rings(const struct tnb_kernel *kernel)
{
	return !kernel->ring_wait_regions;
}

/* ---- The table ----------------------------------------------------------- */

/* First of all: one row before the requirements. */
static const struct tnb_check release_check = { .key = "kernel",
						.examine = examine_release };

static const struct tnb_check checks[] = {
	{ .key = "preemption",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_preemption },
	{ .key = "misses",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_misses },
	{ .key = "error-injection",
	  .group = TNB_GROUP_DOORS,
	  .holds = has_error_injection,
	  .good = "error injection: compiled in",
	  .otherwise = TNB_OK,
	  .bad = "error injection: not compiled in; only time(2) would need it" },
	{ .key = "reads",
	  .group = TNB_GROUP_DOORS,
	  .holds = has_reads,
	  .good = "doors: clock_gettime, gettimeofday, adjtimex, clock_adjtime of 64-bit processes are reached",
	  .otherwise = TNB_FAIL,
	  .bad = "doors: clock_gettime, gettimeofday, adjtimex, clock_adjtime of 64-bit processes are not all there",
	  .advice = "boot a kernel of a distribution, from 6.1 on" },
	{ .key = "reads-32",
	  .group = TNB_GROUP_DOORS,
	  .holds = has_reads_32,
	  .good = "doors, 32-bit: clock_gettime, gettimeofday, adjtimex, clock_adjtime are reached",
	  .otherwise = TNB_OK,
	  .bad = "doors, 32-bit: this kernel runs no 32-bit processes" },
	{ .key = "time-syscall",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_time },
	{ .key = "time-syscall-32",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_time_32 },
	{ .key = "times-syscall",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_times },
	{ .key = "fast-path",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_fast_path },
	{ .key = "fast-path-32",
	  .group = TNB_GROUP_DOORS,
	  .examine = examine_narrow_path },
	{ .key = "live",
	  .group = TNB_GROUP_DOORS,
	  .holds = can_change_processes,
	  .good = "running processes: changed without a restart, as their rule begins, changes or ends",
	  .otherwise = TNB_WARN,
	  .bad = "running processes: this kernel lacks CONFIG_CHECKPOINT_RESTORE, by which they are changed without harm; those that began outside read the HOST's time by the vDSO",
	  .advice = "start programs inside ('timensbpf run', 'enter')" },
	{ .key = "tracing",
	  .group = TNB_GROUP_DOORS,
	  .holds = may_trace,
	  .good = "tracing: not forbidden by yama",
	  .otherwise = TNB_WARN,
	  .bad = "tracing: forbidden to all by yama (kernel.yama.ptrace_scope is 3): no program starts fast, and processes that began outside read the HOST's time by the vDSO",
	  .advice =
		  "set ptrace_scope to 2 or less where the machine sets it, and boot again: 3 cannot be taken back" },
	{ .key = "users-bpf",
	  .group = TNB_GROUP_DOORS,
	  .holds = keeps_bpf_from_users,
	  .good = "BPF: users load no programs",
	  .otherwise = TNB_WARN,
	  .bad = "BPF: users may load programs (kernel.unprivileged_bpf_disabled is 0): a process that copies the descriptor of its rule's page in the moment in which one has it can change the time of its rule",
	  .advice = "sysctl kernel.unprivileged_bpf_disabled=2" },
	{ .key = "waits", .group = TNB_GROUP_DOORS, .examine = examine_waits },
	{ .key = "waits-ring",
	  .group = TNB_GROUP_DOORS,
	  .holds = reaches_rings,
	  .good = "waits, io_uring: all of them are reached",
	  .otherwise = TNB_WARN,
	  .bad = "waits, io_uring: absolute waits in registered wait regions (IORING_ENTER_EXT_ARG_REG) stay the HOST's; times inside of submission entries (IORING_TIMEOUT_IMMEDIATE_ARG), too, and count as deadline_lost",
	  .advice = "use IORING_ENTER_EXT_ARG and a struct timespec" },
	{ .key = "vdso-lookup",
	  .group = TNB_GROUP_LIMITS,
	  .otherwise = TNB_NOTE,
	  .bad = "vDSO: a process that began outside and was not changed reads the HOST's time by it; so does one that started while no loader served or could prepare it, if it looks for the vDSO in /proc/self/auxv, PR_GET_AUXV or its mappings",
	  .advice =
		  "start programs inside ('timensbpf run', 'enter'), with timensbpfd running; 'timensbpf show --processes' tells of each process how it reads" },
	{ .key = "waits-memory",
	  .group = TNB_GROUP_LIMITS,
	  .otherwise = TNB_NOTE,
	  .bad = "waits, memory: a deadline in memory that is read-only, or that a program serves (FUSE, userfaultfd), stays the HOST's; so does one in memory that is shared with a child just forked or not yet touched, while no loader serves, and that of a timer where the machine has one CPU; 'timensbpf show --figures' counts it as deadline_lost",
	  .advice =
		  "let the thread that waits write its deadline, as the C library's users do" },
	{ .key = "waits-armed",
	  .group = TNB_GROUP_LIMITS,
	  .otherwise = TNB_NOTE,
	  .bad = "waits, armed: a wait or timer that is armed already when its rule begins, changes or ends keeps the moment of the HOST's clock that it was armed for",
	  .advice = "set the rule before programs arm what has to follow it" },
	{ .key = "stamps",
	  .group = TNB_GROUP_LIMITS,
	  .otherwise = TNB_NOTE,
	  .bad = "stamps: file times, socket stamps, /proc/uptime, sysinfo follow the HOST's clock in this version",
	  .advice = "see docs/surface.md" },
	{ .key = "ptp",
	  .group = TNB_GROUP_LIMITS,
	  .otherwise = TNB_NOTE,
	  .bad = "PTP device clocks: setting them asks for no capability, only for write access to /dev/ptpN",
	  .advice = "give no writable /dev/ptpN to processes in virtual time" },
	{ .key = "loaded", .group = TNB_GROUP_NOW, .examine = examine_loaded },
};
#define CHECKS (sizeof(checks) / sizeof(*checks))

void tnb_check_run(const struct tnb_check *check,
		   const struct tnb_kernel *kernel, struct tnb_finding *finding)
{
	finding->key = check->key;
	finding->group = check->group;
	if (tnb_lockdown_replaces(kernel, check->key, finding))
		return;
	if (check->examine) {
		check->examine(kernel, finding);
	} else if (check->holds && check->holds(kernel)) {
		tnb_finding_set(finding, TNB_OK, "%s", check->good);
	} else {
		tnb_finding_set(finding, check->otherwise, "%s", check->bad);
		if (check->advice)
			tnb_finding_advise(finding, "%s", check->advice);
	}
}

/* Programs that were loaded before lockdown came into force stay as they are.
 */
static bool has_full_set(void)
{
	struct tnb_loaded state;

	return !tnb_pins_loaded(&state) && state.attach != TNB_ATTACH_NONE;
}

int tnb_doctor_examine(struct tnb_finding **findings, size_t more)
{
	size_t count = 1 + tnb_requirement_count + CHECKS, at = 0;
	struct tnb_finding *all = calloc(count + more, sizeof(*all));
	struct tnb_kernel kernel;

	if (!all)
		return tnb_fail_memory();
	tnb_log_init();
	tnb_kernel_probe(&kernel);
	tnb_check_run(&release_check, &kernel, &all[at++]);
	for (unsigned int i = 0; i < tnb_requirement_count; i++)
		tnb_check_run(&tnb_requirements[i], &kernel, &all[at++]);
	if (has_full_set())
		kernel.lockdown = TNB_LOCKDOWN_NONE;
	for (size_t i = 0; i < CHECKS; i++)
		tnb_check_run(&checks[i], &kernel, &all[at++]);
	*findings = all;
	return (int)count;
}

void tnb_findings_free(struct tnb_finding **findings, size_t count)
{
	for (size_t i = 0; *findings && i < count; i++) {
		free((*findings)[i].text);
		free((*findings)[i].advice);
	}
	free(*findings);
	*findings = NULL;
}

/* Returns 1: they are more than on other kernels. */
static int name_gaps_of_lockdown(char **line)
{
	size_t size;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return tnb_fail_memory();
	fputs("lockdown is in force, and these stay the HOST's time: ", stream);
	for (size_t i = 0; tnb_lockdown_gap(i); i++)
		fprintf(stream, "%s%s", i ? "; " : "", tnb_lockdown_gap(i));
	fputs(" (see 'timensbpf doctor')", stream);
	if (fclose(stream)) {
		free(text);
		return tnb_fail_memory();
	}
	*line = text;
	return 1;
}

const char *tnb_loaded_gap(const struct tnb *tnb, size_t number)
{
	return tnb->state.attach == TNB_ATTACH_NONE ? tnb_lockdown_gap(number)
						    : NULL;
}

int tnb_known_gaps(char **line)
{
	struct tnb_kernel kernel;
	const char *calls = "";

	tnb_log_init();
	tnb_kernel_probe(&kernel);
	if (kernel.lockdown != TNB_LOCKDOWN_NONE && !has_full_set())
		return name_gaps_of_lockdown(line);
	if (kernel.door[TNB_DOOR_x64_times] && !tnb_loader_is_alive())
		calls = "time(2), times(2), ";
	if (asprintf(
		    line,
		    "some times stay the host's here (%sfile times): see 'timensbpf doctor'",
		    calls) < 0)
		return tnb_fail_memory();
	return 0;
}
