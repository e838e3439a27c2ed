/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What works on this machine, and what to do about the rest. */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "api/client.h"
#include "base/error.h"
#include "finding.h"
#include "base/log.h"
#include "kernel/pins.h"
#include "kernel/programs.h"
#include "requirements.h"
#include "vdso/kernel_vdso.h"
#include "vdso/image_pick.h"

#include <errno.h>
#include <stdlib.h>

#define ADVISE_PENDING \
	"with timensbpfd running the time() of C libraries needs no system call (64-bit); else use clock_gettime"

static void examine_release(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	tnb_finding_set(finding, TNB_OK, "kernel: %s", kernel->release);
}

static void examine_error_injection(const struct tnb_kernel *kernel,
				    struct tnb_finding *finding)
{
	tnb_finding_set(
		finding, TNB_OK,
		kernel->error_injection
			? "error injection: compiled in"
			: "error injection: not compiled in; only time(2) would need it");
}

static void examine_preemption(const struct tnb_kernel *kernel,
			       struct tnb_finding *finding)
{
	struct tnb_plan plan;
	const char *attach = "nothing";

	if (!tnb_programs_plan(kernel, TNB_ATTACH_AUTO, &plan))
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

/* A neighbour that is preempted inside a map operation of bpf(2) blinds all
 * kprobes of its CPU; fexit programs are not concerned. */
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
			? "misses: beside others that update BPF maps heavily, clock reads can be missed; 'timensbpf show' counts them"
			: "misses: beside others that update BPF maps heavily, clock reads can be missed, and this kernel does not count them");
	tnb_finding_advise(finding,
			   "boot with preempt=voluntary or preempt=none");
	count_misses(finding);
}

static void examine_reads(const struct tnb_kernel *kernel,
			  struct tnb_finding *finding)
{
	finding->health = TNB_OK;
	for (int i = 0; i <= TNB_DOOR_x64_clock_adjtime; i++)
		if (!kernel->door[i])
			finding->health = TNB_FAIL;
	tnb_finding_set(
		finding, finding->health,
		"doors: clock_gettime, gettimeofday, adjtimex, clock_adjtime of 64-bit processes are %s",
		finding->health == TNB_OK ? "reached" : "not all there");
}

static void examine_reads_32(const struct tnb_kernel *kernel,
			     struct tnb_finding *finding)
{
	int found = 0;

	for (int i = TNB_DOOR_ia32_clock_gettime32; i < TNB_DOOR_MAX; i++)
		found += kernel->door[i];
	if (!found)
		tnb_finding_set(
			finding, TNB_OK,
			"doors, 32-bit: this kernel runs no 32-bit processes");
	else
		tnb_finding_set(
			finding, TNB_OK,
			"doors, 32-bit: clock_gettime, gettimeofday, adjtimex, clock_adjtime are reached");
}

static void examine_time_door(const struct tnb_kernel *kernel,
			      struct tnb_finding *finding,
			      enum tnb_time_door door, const char *who)
{
	if (!kernel->time_door[door]) {
		tnb_finding_set(finding, TNB_OK,
				"time(2), %s: no such call here", who);
		return;
	}
	if (!kernel->time_door_modify[door]) {
		tnb_finding_set(
			finding, TNB_WARN,
			"time(2), %s: the system call returns the HOST's time, this kernel does not let BPF change a return value",
			who);
		tnb_finding_advise(finding, ADVISE_PENDING);
		return;
	}
	if (tnb_kernel_is_preemptible(kernel)) {
		tnb_finding_set(
			finding, TNB_OK,
			"time(2), %s: reached by fmod_ret; missed, and counted, while %d tasks stand preempted in it on one CPU",
			who, TNB_TIME_COPIES);
		return;
	}
	tnb_finding_set(finding, TNB_OK, "time(2), %s: reached by fmod_ret",
			who);
}

static void examine_time(const struct tnb_kernel *kernel,
			 struct tnb_finding *finding)
{
	examine_time_door(kernel, finding, TNB_TIME_X64, "64-bit");
}

static void examine_time_32(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	examine_time_door(kernel, finding, TNB_TIME_IA32, "32-bit");
}

static void examine_vdso(const struct tnb_kernel *kernel,
			 struct tnb_finding *finding)
{
	(void)kernel;
	tnb_finding_set(
		finding, TNB_WARN,
		"vDSO: a process that began outside reads the HOST's time by it; so does one that began while no loader served, or could not prepare it, or a 32-bit one, if it looks for it in /proc/self/auxv, PR_GET_AUXV or its mappings");
	tnb_finding_advise(
		finding,
		"start programs inside ('timensbpf run', 'enter'), with timensbpfd running; 'timensbpf show' tells of each process how it reads");
}

static void examine_fast_path(const struct tnb_kernel *kernel,
			      struct tnb_finding *finding)
{
	struct tnb_vdso vdso;

	if (tnb_vdso_probe(&vdso)) {
		tnb_finding_set(finding, TNB_WARN, "fast path: none here: %s",
				tnb_error_message());
		tnb_finding_advise(
			finding,
			"clocks are read by system calls: correct, but slower");
	} else {
		tnb_finding_of_vdso(&vdso, kernel->clock_source,
				    tnb_loader_is_alive(), finding);
	}
}

static void examine_live(const struct tnb_kernel *kernel,
			 struct tnb_finding *finding)
{
	if (kernel->checkpoint_restore) {
		tnb_finding_set(
			finding, TNB_OK,
			"running processes: changed without a restart, as their rule begins, changes or ends");
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		"running processes: this kernel lacks CONFIG_CHECKPOINT_RESTORE, by which they are changed without harm; who began outside reads the HOST's time by the vDSO");
	tnb_finding_advise(finding,
			   "start programs inside ('timensbpf run', 'enter')");
}

static void examine_tracing(const struct tnb_kernel *kernel,
			    struct tnb_finding *finding)
{
	if (!kernel->forbids_tracing) {
		tnb_finding_set(finding, TNB_OK,
				"tracing: not forbidden by yama");
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		"tracing: forbidden to all by yama (kernel.yama.ptrace_scope is 3): no program starts fast, and who began outside reads the HOST's time by the vDSO");
	tnb_finding_advise(
		finding,
		"set ptrace_scope to 2 or less where the machine sets it, and boot again: 3 cannot be taken back");
}

static const char *const copy_names[TNB_COPY_MAX] = {
#define COPY_NAME(function, holds, arguments) [TNB_COPY_##holds] = #function,
	TNB_COPIES(COPY_NAME)
#undef COPY_NAME
};

/* The kernel may have been built without some (32-bit processes, io_uring):
 * then nothing passes there. One that has become part of another function
 * cannot be told from that. */
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

static void examine_waits_memory(const struct tnb_kernel *kernel,
				 struct tnb_finding *finding)
{
	(void)kernel;
	tnb_finding_set(
		finding, TNB_WARN,
		"waits, memory: a deadline whose memory cannot be written at that moment (read-only, not yet touched, shared with a child just forked) stays the HOST's; 'timensbpf show' counts it as deadline_lost");
	tnb_finding_advise(
		finding,
		"let the thread that waits write its deadline, as the C library's users do");
}

static void examine_waits_armed(const struct tnb_kernel *kernel,
				struct tnb_finding *finding)
{
	(void)kernel;
	tnb_finding_set(
		finding, TNB_WARN,
		"waits, armed: a wait or timer that is armed already when its rule begins, changes or ends keeps the moment of the HOST's clock that it was armed for");
	tnb_finding_advise(
		finding,
		"set the rule before programs arm what has to follow it");
}

static void examine_waits_ring(const struct tnb_kernel *kernel,
			       struct tnb_finding *finding)
{
	if (!kernel->ring_wait_regions) {
		tnb_finding_set(finding, TNB_OK,
				"waits, io_uring: all of them are reached");
		return;
	}
	tnb_finding_set(
		finding, TNB_WARN,
		"waits, io_uring: absolute waits in registered wait regions (IORING_ENTER_EXT_ARG_REG) stay the HOST's; times inside of submission entries (IORING_TIMEOUT_IMMEDIATE_ARG), too, and count as deadline_lost");
	tnb_finding_advise(finding,
			   "use IORING_ENTER_EXT_ARG and a struct timespec");
}

static void examine_stamps(const struct tnb_kernel *kernel,
			   struct tnb_finding *finding)
{
	(void)kernel;
	tnb_finding_set(
		finding, TNB_WARN,
		"stamps: file times, socket stamps, /proc/uptime, sysinfo follow the HOST's clock in this version");
	tnb_finding_advise(finding, "see docs/surface.md");
}

static void examine_ptp(const struct tnb_kernel *kernel,
			struct tnb_finding *finding)
{
	(void)kernel;
	tnb_finding_set(
		finding, TNB_WARN,
		"PTP device clocks: setting them asks for no capability, only for write access to /dev/ptpN");
	tnb_finding_advise(
		finding,
		"give no writable /dev/ptpN to processes in virtual time");
}

static void examine_loaded(const struct tnb_kernel *kernel,
			   struct tnb_finding *finding)
{
	struct tnb_loaded state;
	struct tnb_plan plan;
	int err = tnb_pins_state(&state);

	if (err == -ENOENT) {
		tnb_finding_set(finding, TNB_OK, "programs: not loaded");
		return;
	}
	if (err) {
		tnb_finding_set(finding, TNB_WARN, "programs: %s",
				tnb_error_message());
		tnb_finding_advise(finding, "see the line itself");
		return;
	}
	tnb_finding_set(finding, TNB_OK,
			"programs: version %s is loaded, reads attached by %s",
			state.version,
			tnb_attach_name((enum tnb_read_attach)state.attach));
	if (tnb_programs_plan(kernel, TNB_ATTACH_AUTO, &plan) ||
	    state.preemption == kernel->preemption)
		return;
	finding->health = TNB_WARN;
	tnb_finding_advise(
		finding,
		"preemption was %s when they were loaded and is %s now: end all rules, then 'timensbpf load'",
		tnb_preemption_name((enum tnb_preemption)state.preemption),
		tnb_preemption_name(kernel->preemption));
}

static void examine_daemon(const struct tnb_kernel *kernel,
			   struct tnb_finding *finding)
{
	char line[512];

	(void)kernel;
	tnb_finding_set(finding, TNB_OK, "timensbpfd: %s",
			tnb_client_status(line, sizeof(line))
				? line
				: "none answers, commands work by themselves");
}

static const struct {
	const char *key;
	void (*examine)(const struct tnb_kernel *, struct tnb_finding *);
} examinations[] = {
	{ "preemption", examine_preemption },
	{ "misses", examine_misses },
	{ "error-injection", examine_error_injection },
	{ "reads", examine_reads },
	{ "reads-32", examine_reads_32 },
	{ "time-syscall", examine_time },
	{ "time-syscall-32", examine_time_32 },
	{ "vdso-lookup", examine_vdso },
	{ "fast-path", examine_fast_path },
	{ "live", examine_live },
	{ "tracing", examine_tracing },
	{ "waits", examine_waits },
	{ "waits-memory", examine_waits_memory },
	{ "waits-armed", examine_waits_armed },
	{ "waits-ring", examine_waits_ring },
	{ "stamps", examine_stamps },
	{ "ptp", examine_ptp },
	{ "loaded", examine_loaded },
	{ "daemon", examine_daemon },
};
#define EXAMINATIONS (sizeof(examinations) / sizeof(*examinations))

int tnb_doctor(struct tnb_finding **findings)
{
	size_t count = 1 + tnb_requirement_count + EXAMINATIONS, at = 0;
	struct tnb_finding *all = calloc(count, sizeof(*all));
	struct tnb_kernel kernel;

	if (!all)
		return tnb_fail_memory();
	tnb_log_init();
	tnb_kernel_probe(&kernel);
	all[at].key = "kernel";
	examine_release(&kernel, &all[at++]);
	for (unsigned int i = 0; i < tnb_requirement_count; i++) {
		all[at].key = tnb_requirements[i].key;
		tnb_requirements[i].examine(&kernel, &all[at++]);
	}
	for (size_t i = 0; i < EXAMINATIONS; i++) {
		all[at].key = examinations[i].key;
		examinations[i].examine(&kernel, &all[at++]);
	}
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

int tnb_known_gaps(char **line)
{
	struct tnb_kernel kernel;
	const char *calls = "";

	tnb_log_init();
	tnb_kernel_probe(&kernel);
	if (kernel.time_door[TNB_TIME_X64] &&
	    !kernel.time_door_modify[TNB_TIME_X64])
		calls = "time(2) other than by the C library of 64-bit programs that read fast, ";
	else if (kernel.time_door[TNB_TIME_IA32] &&
		 !kernel.time_door_modify[TNB_TIME_IA32])
		calls = "time(2) of 32-bit programs, ";
	if (asprintf(
		    line,
		    "still the host's time here: %sfile and socket stamps, the vDSO of 32-bit programs that look for it; 'timensbpf doctor' has details",
		    calls) < 0)
		return tnb_fail_memory();
	return 0;
}
