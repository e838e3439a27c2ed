/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lockdown.h"

#include "finding.h"

#include <string.h>

#define ADVISE_BOOT \
	"boot without lockdown= on the kernel command line, or with Secure Boot off"
#define ADVISE_CALL "call the C library, which reads by the vDSO"
#define ADVISE_RELATIVE "use relative timeouts"

/* ---- The finding `lockdown` ---------------------------------------------- */

/* Why nothing at all would be virtual here, NULL if something is. */
static const char *why_useless(const struct tnb_kernel *kernel,
			       const char *lacks)
{
	if (!kernel->bpf_lsm || kernel->bpf_in_lsm_list == TNB_NO)
		return "bpf is not in the LSM list, and without it no program waits for the loader";
	if (kernel->forbids_tracing)
		return "yama forbids tracing (kernel.yama.ptrace_scope is 3), by which the loader prepares programs";
	return lacks;
}

void tnb_lockdown_finding(const struct tnb_kernel *kernel, const char *lacks,
			  struct tnb_finding *finding)
{
	const char *useless = why_useless(kernel, lacks);

	if (kernel->lockdown == TNB_LOCKDOWN_NONE) {
		tnb_finding_set(finding, TNB_OK, "lockdown: not in force");
		return;
	}
	tnb_finding_advise(finding, "%s", ADVISE_BOOT);
	if (kernel->lockdown == TNB_LOCKDOWN_CONFIDENTIALITY)
		tnb_finding_set(
			finding, TNB_FAIL,
			"lockdown: confidentiality is in force, BPF programs may not read the kernel's memory");
	else if (useless)
		tnb_finding_set(
			finding, TNB_FAIL,
			"lockdown: integrity is in force, so that only the replacement vDSO could be virtual, and here it is not: %s",
			useless);
	else
		tnb_finding_set(
			finding, TNB_WARN,
			"lockdown: integrity is in force, BPF programs may not write user memory: only the replacement vDSO is virtual, and only with a loader");
}

/* ---- The others ---------------------------------------------------------- */

/* A finding that is another under lockdown; `gap`: what of it stays the host's
 * time, in a few words. */
struct row {
	const char *key, *gap;
	enum tnb_health health;
	const char *text, *advice;
};

static const struct row rows[] = {
	{ .key = "preemption",
	  .health = TNB_OK,
	  .text = "preemption: of no account, because no program corrects clock reads under lockdown" },
	{ .key = "misses",
	  .health = TNB_OK,
	  .text = "misses: none, because no program corrects clock reads under lockdown" },
	{ .key = "error-injection",
	  .health = TNB_OK,
	  .text = "error injection: of no use under lockdown" },
	{ .key = "reads",
	  .gap = "clocks read by system call",
	  .health = TNB_WARN,
	  .text = "doors: clock_gettime, gettimeofday, adjtimex, clock_adjtime as system calls return the HOST's time under lockdown",
	  .advice = ADVISE_CALL },
	{ .key = "reads-32",
	  .health = TNB_WARN,
	  .text = "doors, 32-bit: clock_gettime, gettimeofday, adjtimex, clock_adjtime as system calls return the HOST's time under lockdown",
	  .advice = ADVISE_CALL },
	{ .key = "time-syscall",
	  .gap = "time(2) by system call",
	  .health = TNB_WARN,
	  .text = "time(2), 64-bit: the system call returns the HOST's time under lockdown",
	  .advice = ADVISE_CALL },
	{ .key = "time-syscall-32",
	  .health = TNB_WARN,
	  .text = "time(2), 32-bit: the system call returns the HOST's time under lockdown",
	  .advice = ADVISE_CALL },
	{ .key = "waits",
	  .gap = "absolute waits",
	  .health = TNB_WARN,
	  .text = "waits: absolute deadlines are the HOST's under lockdown: a wait until a second from now lasts days in a rule that is days ahead, and none in one that is behind",
	  .advice = ADVISE_RELATIVE },
	{ .key = "waits-ring",
	  .health = TNB_WARN,
	  .text = "waits, io_uring: absolute deadlines are the HOST's under lockdown",
	  .advice = ADVISE_RELATIVE },
	{ .key = "waits-memory",
	  .health = TNB_NOTE,
	  .text = "waits, memory: no deadline is translated under lockdown, and none is counted as lost",
	  .advice = ADVISE_RELATIVE },
	{ .key = "vdso-lookup",
	  .gap = "programs that start while no loader serves, or traced by another process",
	  .health = TNB_WARN,
	  .text = "vDSO: not hidden under lockdown: a program that starts while no loader serves, or traced by another process, reads the HOST's time until a loader has changed it",
	  .advice =
		  "keep timensbpfd running; 'timensbpf show --processes' lists such processes, exec_shown and start_slow of 'timensbpf show --figures' count them" },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

bool tnb_lockdown_replaces(const struct tnb_kernel *kernel, const char *key,
			   struct tnb_finding *finding)
{
	if (kernel->lockdown != TNB_LOCKDOWN_INTEGRITY)
		return false;
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].key, key))
			continue;
		tnb_finding_set(finding, rows[i].health, "%s", rows[i].text);
		if (rows[i].advice)
			tnb_finding_advise(finding, "%s", rows[i].advice);
		return true;
	}
	return false;
}

const char *tnb_lockdown_gap(size_t number)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].gap && !number--)
			return rows[i].gap;
	return NULL;
}
