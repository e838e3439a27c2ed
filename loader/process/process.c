/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a rule, and whether the host's vDSO was hidden from them. */
#define _GNU_SOURCE
#include "process.h"

#include "base/array.h"
#include "base/auxv.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "kernel/probe.h"
#include "view.h"
#include "census.h"
#include "rules/clock_page.h"
#include "base/proc.h"
#include "rules/slots.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>

struct census {
	struct tnb *tnb;
	bool has_tsc;
	__u32 slot;
	struct tnb_process *processes;
	size_t count, space;
};

/* startstack, the 28th field of /proc/PID/stat, from the 3rd on after ')'. */
static uint64_t start_of_stack(int proc)
{
	char text[2048], *rest, *word = NULL;

	if (tnb_file_read_at(proc, "stat", text, sizeof(text)) <= 0)
		return 0;
	rest = strrchr(text, ')');
	if (!rest)
		return 0;
	rest += 2;
	for (int field = 3; field <= 28 && rest; field++)
		word = strsep(&rest, " ");
	return word ? strtoull(word, NULL, 10) : 0;
}

static bool is_32bit(int proc)
{
	_cleanup_close_
	int fd = openat(proc, "exe", O_RDONLY | O_CLOEXEC);
	unsigned char ident[EI_NIDENT] = { 0 };

	return fd >= 0 && read(fd, ident, sizeof(ident)) == sizeof(ident) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

static enum tnb_fast find_vdso(int memory, uint64_t stack, unsigned int word)
{
	struct tnb_auxv_entry entry;
	struct tnb_auxv auxv;
	int next;

	if (!stack || tnb_auxv_begin(&auxv, memory, stack, word))
		return TNB_VDSO_UNKNOWN;
	while ((next = tnb_auxv_next(&auxv, &entry)) > 0)
		if (entry.type == AT_SYSINFO_EHDR)
			return TNB_VDSO_VISIBLE;
	return next ? TNB_VDSO_UNKNOWN : TNB_VDSO_HIDDEN;
}

enum tnb_fast tnb_process_auxv(int proc, int memory, bool narrow)
{
	return find_vdso(memory, start_of_stack(proc), narrow ? 4 : 8);
}

static void read_name(int proc, char *name, size_t size)
{
	if (tnb_file_read_at(proc, "comm", name, size) < 0)
		*name = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static enum tnb_fast judge_link(const struct census *census,
				const struct tnb_link_page *page)
{
	const struct tnb_vdso_link *link = &page->link;

	if (!link->slot)
		return TNB_VDSO_VISIBLE;
	if (tnb_view_is_foreign(census->tnb, page))
		return TNB_VDSO_FOREIGN;
	if (link->slot != census->slot ||
	    link->pass != tnb_clock_page_pass(census->tnb, census->slot))
		return TNB_VDSO_WAITS;
	return link->vvar && census->has_tsc ? TNB_VDSO_FAST : TNB_VDSO_CALLS;
}

static const char *reason(enum tnb_fast vdso, bool narrow, bool mended)
{
	switch (vdso) {
	case TNB_VDSO_FAST:
		return NULL;
	case TNB_VDSO_WAITS:
		return "waits for the loader to see to those who left the rule";
	case TNB_VDSO_CALLS:
		return "the replacement vDSO makes system calls: the host's clock source is not tsc, or its kernel not known ('timensbpf doctor')";
	case TNB_VDSO_HIDDEN:
		return narrow ? "32-bit program"
		       : mended
			       ? "the loader came after its start: its C library makes system calls, time(2) too; the vDSO leads to virtual time"
			       : "the loader did not run when it began, or could not prepare it: its C library makes system calls, time(2) too; reads the HOST's time by a vDSO that it finds by itself";
	case TNB_VDSO_FOREIGN:
		return "reads the time of programs that are gone, and was not changed: 'timensbpf set' it again, or restart it";
	case TNB_VDSO_VISIBLE:
		return "began outside and was not changed: reads the HOST's time through the vDSO";
	default:
		return "cannot tell whether it sees the host's vDSO";
	}
}

static bool examine(const struct census *census, pid_t pid,
		    struct tnb_process *process)
{
	struct tnb_link_page page;
	pid_t tid;
	_cleanup_close_
	int proc = tnb_proc_open(pid, &tid);
	_cleanup_close_
	int memory = -1;
	bool narrow, linked;

	if (proc < 0)
		return false;
	process->pid = pid;
	read_name(proc, process->name, sizeof(process->name));
	memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);
	narrow = is_32bit(proc);
	process->vdso = memory < 0 ? TNB_VDSO_UNKNOWN
				   : tnb_process_auxv(proc, memory, narrow);
	/* Whose C library does not know of a vDSO calls the kernel, whatever is
	 * mapped. */
	linked = memory >= 0 && tnb_link_page_find(proc, memory, &page) > 0;
	if (linked && (process->vdso != TNB_VDSO_HIDDEN ||
		       tnb_view_is_foreign(census->tnb, &page)))
		process->vdso = judge_link(census, &page);
	process->why = reason(process->vdso, narrow, linked);
	return true;
}

static int add_process(struct census *census, pid_t pid)
{
	void *grown = tnb_array_grow(census->processes, census->count,
				     &census->space,
				     sizeof(*census->processes));

	if (!grown)
		return tnb_fail_memory();
	census->processes = grown;
	if (examine(census, pid, &census->processes[census->count]))
		census->count++;
	return 0;
}

static int take_census(int fd, struct census *census)
{
	struct tnb_census members;
	int err = tnb_census_read(fd, &members);

	if (err)
		err = tnb_fail(err, "cannot list the processes of a cgroup: %s",
			       strerror(-err));
	for (size_t i = 0; !err && i < members.count; i++)
		err = add_process(census, members.pid[i]);
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

int tnb_rule_processes(struct tnb *tnb, const struct tnb_rule *rule,
		       struct tnb_process **processes)
{
	struct census census = {
		.tnb = tnb,
		.has_tsc = tnb_kernel_has_tsc(),
		.slot = rule->slot,
	};
	_cleanup_close_
	int fd = open(rule->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return tnb_fail(-ENODEV,
				"the cgroup '%s' was removed meanwhile",
				rule->path);
	err = take_census(fd, &census);
	if (!err)
		err = tnb_cgroup_walk(fd, visit, &census);
	if (err) {
		free(census.processes);
		return err;
	}
	*processes = census.processes;
	return (int)census.count;
}
