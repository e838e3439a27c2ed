/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a rule, and whether the host's vDSO was hidden from them. */
#define _GNU_SOURCE
#include "cgroup.h"
#include "cleanup.h"
#include "error.h"
#include "link_page.h"
#include "page.h"
#include "slots.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>

#define WORDS_MAX (1 << 18)

struct census {
	struct tnb *tnb;
	__u32 slot;
	struct tnb_process *processes;
	size_t count, space;
};

/* startstack, the 28th field of /proc/PID/stat, from the 3rd on after ')'. */
static uint64_t start_of_stack(int proc)
{
	_cleanup_close_
	int fd = openat(proc, "stat", O_RDONLY | O_CLOEXEC);
	char text[2048], *rest, *word = NULL;
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length < 0)
		return 0;
	text[length] = '\0';
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

static bool read_word(int memory, uint64_t *at, size_t size, uint64_t *word)
{
	*word = 0;
	if (pread(memory, word, size, (off_t)*at) != (ssize_t)size)
		return false;
	*at += size;
	return true;
}

/* argc, argv, NULL, envp, NULL, auxv: see bpf/exec.bpf.c. */
static bool skip_to_auxv(int memory, uint64_t *at, size_t size)
{
	uint64_t word;

	if (!read_word(memory, at, size, &word) || word > WORDS_MAX)
		return false;
	*at += (word + 1) * size;
	for (int i = 0; i < WORDS_MAX; i++) {
		if (!read_word(memory, at, size, &word))
			return false;
		if (!word)
			return true;
	}
	return false;
}

static enum tnb_fast find_vdso(int memory, uint64_t at, size_t size)
{
	uint64_t type, value;

	if (!at || !skip_to_auxv(memory, &at, size))
		return TNB_VDSO_UNKNOWN;
	while (read_word(memory, &at, size, &type) &&
	       read_word(memory, &at, size, &value)) {
		if (type == AT_SYSINFO_EHDR)
			return TNB_VDSO_VISIBLE;
		if (type == AT_NULL)
			return TNB_VDSO_HIDDEN;
	}
	return TNB_VDSO_UNKNOWN;
}

static void read_name(int proc, char *name, size_t size)
{
	_cleanup_close_
	int fd = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, name, size - 1);

	name[length < 0 ? 0 : length] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static enum tnb_fast judge_link(const struct census *census,
				const struct tnb_vdso_link *link)
{
	return link->slot == census->slot &&
			       link->pass ==
				       tnb_page_pass(census->tnb, census->slot)
		       ? TNB_VDSO_FAST
		       : TNB_VDSO_WAITS;
}

static const char *reason(enum tnb_fast vdso, bool narrow)
{
	switch (vdso) {
	case TNB_VDSO_FAST:
		return NULL;
	case TNB_VDSO_WAITS:
		return "waits for the loader to see to those who left the rule";
	case TNB_VDSO_HIDDEN:
		return narrow ? "32-bit program"
			      : "the loader did not run when it began, or could not prepare it";
	case TNB_VDSO_VISIBLE:
		return "began outside: reads the HOST's time through the vDSO";
	default:
		return "cannot tell whether it sees the host's vDSO";
	}
}

static bool examine(const struct census *census, pid_t pid,
		    struct tnb_process *process)
{
	struct tnb_vdso_link link;
	char path[32];
	_cleanup_close_
	int proc = -1;
	_cleanup_close_
	int memory = -1;
	bool narrow;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return false;
	process->pid = pid;
	read_name(proc, process->name, sizeof(process->name));
	memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);
	narrow = is_32bit(proc);
	if (memory < 0)
		process->vdso = TNB_VDSO_UNKNOWN;
	else if (tnb_link_page_find(proc, memory, &link))
		process->vdso = judge_link(census, &link);
	else
		process->vdso =
			find_vdso(memory, start_of_stack(proc), narrow ? 4 : 8);
	process->why = reason(process->vdso, narrow);
	return true;
}

static int add_process(struct census *census, pid_t pid)
{
	if (census->count == census->space) {
		size_t space = census->space ? 2 * census->space : 16;
		void *grown = realloc(census->processes,
				      space * sizeof(*census->processes));

		if (!grown)
			return tnb_fail_memory();
		census->processes = grown;
		census->space = space;
	}
	if (examine(census, pid, &census->processes[census->count]))
		census->count++;
	return 0;
}

static int take_census(int fd, struct census *census)
{
	_cleanup_close_
	int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = procs < 0 ? NULL : fdopen(procs, "r");
	int pid, err = 0;

	if (!file)
		return 0;
	procs = -1;
	while (!err && fscanf(file, "%d", &pid) == 1)
		err = add_process(census, pid);
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
	struct census census = { .tnb = tnb, .slot = rule->slot };
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
