/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a rule, and how each reads its clocks. */
#define _GNU_SOURCE
#include "processes.h"

#include "base/array.h"
#include "base/cgroup_tree.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/error.h"
#include "base/proc.h"
#include "kernel/probe.h"
#include "process/census.h"
#include "process/examiner.h"
#include "process/process.h"
#include "rules/clock_page.h"
#include "rules/slots.h"
#include "process/view.h"
#include "inject/write_pages.h"

#include <errno.h>
#include <fcntl.h>

struct census {
	struct tnb *tnb;
	bool has_tsc;
	bool calls_are_hosts; /* TNB_ATTACH_NONE */
	__u32 slot;
	struct tnb_process *processes;
	size_t count, space;
};

/* By the kernel's copy of the auxiliary vector, whose first word is a small
 * number. The program's file may be on a file system that does not answer. */
static bool is_32bit(int proc)
{
	_cleanup_close_
	int fd = openat(proc, "auxv", O_RDONLY | O_CLOEXEC);
	uint64_t first = 0;

	return fd >= 0 && read(fd, &first, sizeof(first)) == sizeof(first) &&
	       first >> 32;
}

static void read_name(int proc, char *name, size_t size)
{
	char line[32];
	ssize_t length = tnb_file_read_at(proc, "comm", line, sizeof(line));

	/* The kernel ends the line; the name may have line breaks of its own.
	 */
	if (length > 0 && line[length - 1] == '\n')
		line[length - 1] = '\0';
	snprintf(name, size, "%.15s", length > 0 ? line : "");
}

static enum tnb_fast judge_link(const struct census *census,
				const struct tnb_link_page *page)
{
	const struct tnb_vdso_link *link = &page->link;
	bool is_own;

	if (!link->slot)
		return TNB_VDSO_VISIBLE;
	if (tnb_view_is_foreign(census->tnb, page))
		return TNB_VDSO_FOREIGN;
	is_own = link->slot == census->slot &&
		 tnb_view_is_current(census->tnb, page);
	if (!is_own)
		return tnb_view_reads_page(page) ? TNB_VDSO_FOREIGN
						 : TNB_VDSO_WAITS;
	if (!tnb_view_reads_page(page) &&
	    link->pass != tnb_clock_page_pass(census->tnb, census->slot))
		return TNB_VDSO_WAITS;
	return link->vvar && census->has_tsc ? TNB_VDSO_FAST : TNB_VDSO_CALLS;
}

static const char *hidden_text(bool mended)
{
	if (mended)
		return "the loader came after its start: its C library makes system calls, time(2) too; the vDSO leads to virtual time";
	return "the loader did not run when it began, or could not prepare it: its C library makes system calls, time(2) too; reads the HOST's time by a vDSO that it finds by itself";
}

const char *tnb_vdso_text(enum tnb_fast vdso)
{
	switch (vdso) {
	case TNB_VDSO_FAST:
		return NULL;
	case TNB_VDSO_WAITS:
		return "waits for the loader to change the processes that left the rule";
	case TNB_VDSO_CALLS:
		return "the replacement vDSO makes system calls: the host's clock source is not tsc, or its kernel not known ('timensbpf doctor')";
	case TNB_VDSO_HIDDEN:
		return hidden_text(false);
	case TNB_VDSO_FOREIGN:
		return "reads the time of programs that are gone, and was not changed: 'timensbpf set' it again, or restart it";
	case TNB_VDSO_VISIBLE:
		return "began outside and was not changed: reads the HOST's time through the vDSO";
	default:
		return "cannot tell whether it sees the host's vDSO";
	}
}

#define KEEPS_PAGE \
	"came from another rule, whose page could not be exchanged: makes system calls"
#define OTHER_RULES \
	"came from another rule and was not changed yet: reads the time of that"

/*
 * Under lockdown a process that makes system calls has the host's time. One
 * that left another rule has that rule's, until the loader has changed it.
 */
static void judge_locked(const struct census *census,
			 const struct tnb_link_page *page,
			 struct tnb_process *process)
{
	enum tnb_fast was = process->vdso;

	if (!census->calls_are_hosts || was == TNB_VDSO_FAST ||
	    was == TNB_VDSO_FOREIGN || was == TNB_VDSO_UNKNOWN)
		return;
	process->vdso = TNB_VDSO_VISIBLE;
	if (was == TNB_VDSO_WAITS && page->link.slot != census->slot) {
		process->vdso = TNB_VDSO_FOREIGN;
		process->why = OTHER_RULES;
	} else if (was == TNB_VDSO_WAITS || was == TNB_VDSO_CALLS) {
		process->why =
			"its replacement vDSO makes system calls: the HOST's time, under lockdown";
	} else {
		process->why =
			"began outside, or no loader prepared it (none served, or another process traced it): reads the HOST's time";
	}
}

static bool examine(const struct census *census, pid_t pid,
		    struct tnb_process *process)
{
	struct tnb_link_page page = { 0 };
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(pid, &tid);
	struct tnb_peek peek;
	bool narrow, linked, is_open;

	if (proc < 0)
		return false;
	process->pid = pid;
	read_name(proc, process->name, sizeof(process->name));
	narrow = is_32bit(proc);
	is_open = !tnb_peek_open(proc, &peek);
	process->vdso = is_open ? tnb_process_auxv(proc, &peek, narrow)
				: TNB_VDSO_UNKNOWN;
	/* A C library that does not know of a vDSO makes system calls, whatever
	 * is mapped. */
	linked = is_open && tnb_link_page_find(proc, &peek, &page) > 0;
	if (is_open)
		tnb_peek_close(&peek);
	if (linked && (process->vdso != TNB_VDSO_HIDDEN ||
		       tnb_view_is_foreign(census->tnb, &page)))
		process->vdso = judge_link(census, &page);
	process->why = process->vdso == TNB_VDSO_HIDDEN
			       ? hidden_text(linked)
			       : tnb_vdso_text(process->vdso);
	if (process->vdso == TNB_VDSO_FOREIGN &&
	    !tnb_view_is_foreign(census->tnb, &page))
		process->why = OTHER_RULES;
	if (process->vdso == TNB_VDSO_WAITS && page.link.slot != census->slot &&
	    page.link.pass == TNB_NO_PASS)
		process->why = KEEPS_PAGE;
	judge_locked(census, &page, process);
	return true;
}

/* What the examiner finds. */
struct look {
	bool is_there;
	struct tnb_process process;
};

struct looks {
	const struct census *census;
	struct look at[];
};

static bool look_at(void *context, size_t index)
{
	struct looks *looks = context;
	struct look *look = &looks->at[index];

	look->is_there =
		examine(looks->census, look->process.pid, &look->process);
	return true;
}

static void give_up(void *context, size_t index)
{
	struct look *look = &((struct looks *)context)->at[index];
	struct tnb_process *process = &look->process;
	char path[32];
	_cleanup_close_
	int proc = -1;

	snprintf(path, sizeof(path), "/proc/%d", process->pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	look->is_there = proc >= 0;
	if (proc >= 0)
		read_name(proc, process->name, sizeof(process->name));
	process->vdso = TNB_VDSO_UNKNOWN;
	process->why =
		"cannot tell what it maps: it keeps all waiting that look at it";
}

static int add_process(struct census *census, const struct look *look)
{
	void *grown;

	if (!look->is_there)
		return 0;
	grown = tnb_array_grow(census->processes, census->count, &census->space,
			       sizeof(*census->processes));
	if (!grown)
		return tnb_fail_memory();
	census->processes = grown;
	census->processes[census->count++] = look->process;
	return 0;
}

static int add_members(struct census *census, const struct tnb_census *members)
{
	size_t size =
		sizeof(struct looks) + members->count * sizeof(struct look);
	struct looks *looks = tnb_examiner_memory(size);
	int err;

	if (!looks)
		return tnb_fail_memory();
	looks->census = census;
	for (size_t i = 0; i < members->count; i++)
		looks->at[i].process.pid = members->pid[i];
	err = tnb_examiner_run(census->tnb, members->count, look_at, give_up,
			       looks);
	for (size_t i = 0; !err && i < members->count; i++)
		err = add_process(census, &looks->at[i]);
	tnb_examiner_free(looks, size);
	return err;
}

static int take_census(int fd, struct census *census)
{
	struct tnb_census members;
	int err = tnb_census_read(fd, &members);

	if (err)
		err = tnb_fail(err, "cannot list the processes of a cgroup: %s",
			       strerror(-err));
	else
		err = add_members(census, &members);
	tnb_census_free(&members);
	return err;
}

static int visit(int fd, uint64_t id, void *context)
{
	struct census *census = context;

	if (tnb_slot_of(census->tnb, id) != census->slot)
		return TNB_WALK_PRUNE;
	return take_census(fd, census);
}

int tnb_processes_list(struct tnb *tnb, int cgroup, __u32 slot,
		       struct tnb_process **processes)
{
	struct census census = {
		.tnb = tnb,
		.has_tsc = tnb_kernel_has_tsc(),
		.calls_are_hosts = tnb->state.attach == TNB_ATTACH_NONE,
		.slot = slot,
	};
	int err = take_census(cgroup, &census);

	if (!err)
		err = tnb_cgroup_walk(cgroup, visit, &census);
	if (err) {
		free(census.processes);
		return err;
	}
	*processes = census.processes;
	return (int)census.count;
}

int tnb_rule_processes(struct tnb *tnb, const struct tnb_rule *rule,
		       struct tnb_process **processes)
{
	_cleanup_close_
	int fd = open(rule->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return tnb_fail(-ENODEV,
				"the cgroup '%s' was removed meanwhile",
				rule->name);
	return tnb_processes_list(tnb, fd, rule->slot, processes);
}

/* ---- Of a change --------------------------------------------------------- */

/* Outside of all rules the host's time is the right one. */
static bool is_left(__u32 slot, enum tnb_fast vdso)
{
	return vdso == TNB_VDSO_FOREIGN ||
	       (slot && (vdso == TNB_VDSO_VISIBLE || vdso == TNB_VDSO_UNKNOWN));
}

static void count_process(struct tnb_change_result *result, __u32 slot,
			  const struct tnb_process *process)
{
	struct tnb_left *left = &result->process[result->listed];

	result->kind[process->vdso]++;
	if (!is_left(slot, process->vdso))
		return;
	result->left++;
	if (result->listed == TNB_LEFT_MAX)
		return;
	result->listed++;
	left->pid = process->pid;
	left->vdso = process->vdso;
	memcpy(left->name, process->name, sizeof(left->name));
}

void tnb_processes_sum(struct tnb *tnb, int cgroup, __u32 slot,
		       struct tnb_change_result *result)
{
	_cleanup_free_
	struct tnb_process *processes = NULL;
	int count = tnb_processes_list(tnb, cgroup, slot, &processes);

	result->error = count < 0 ? count : 0;
	for (int i = 0; i < count; i++)
		count_process(result, slot, &processes[i]);
}
