/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup.procs alone does not name all processes. It cannot be read in a
 * threaded cgroup. And it names first threads: one that has ended stays behind
 * when the other threads are moved (cgroup_migrate_add_task() in
 * kernel/cgroup/cgroup.c), so that only cgroup.threads shows its process.
 */
#define _GNU_SOURCE
#include "census.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/proc.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int add(struct tnb_census *members, pid_t pid)
{
	void *grown = tnb_array_grow(members->pid, members->count,
				     &members->space, sizeof(*members->pid));

	if (!grown)
		return -ENOMEM;
	members->pid = grown;
	members->pid[members->count++] = pid;
	return 0;
}

/* A 0 in such a file is a process of a pid namespace that is not below ours. */
static int read_numbers(int cgroup, const char *name,
			struct tnb_census *members)
{
	_cleanup_fclose_ FILE *file = tnb_file_open_at(cgroup, name);
	int number, err = file ? 0 : -errno;

	if (!file)
		return err == -ENODEV ? -ENOENT : err;
	while (!err && fscanf(file, "%d", &number) == 1)
		if (number > 0)
			err = add(members, number);
	return err ? err : ferror(file) ? -EOPNOTSUPP : 0;
}

static int compare(const void *one, const void *other)
{
	pid_t a = *(const pid_t *)one, b = *(const pid_t *)other;

	return (a > b) - (a < b);
}

static void sort(struct tnb_census *members)
{
	size_t kept = 0;

	if (!members->count)
		return;
	qsort(members->pid, members->count, sizeof(*members->pid), compare);
	for (size_t i = 1; i < members->count; i++)
		if (members->pid[i] != members->pid[kept])
			members->pid[++kept] = members->pid[i];
	members->count = kept + 1;
}

static bool has(const struct tnb_census *members, pid_t pid)
{
	return members->count && bsearch(&pid, members->pid, members->count,
					 sizeof(pid), compare);
}

/* The processes of `threads` that are not among `firsts`. */
static int find_others(const struct tnb_census *threads,
		       const struct tnb_census *firsts,
		       struct tnb_census *others)
{
	int err = 0;

	for (size_t i = 0; !err && i < threads->count; i++) {
		pid_t tid = threads->pid[i];
		pid_t pid = has(firsts, tid) ? tid : tnb_proc_first(tid);

		if (pid > 0 && !has(firsts, pid))
			err = add(others, pid);
	}
	return err;
}

int tnb_census_read(int cgroup, struct tnb_census *members)
{
	struct tnb_census threads = { 0 }, others = { 0 };
	int err;

	*members = (struct tnb_census){ 0 };
	err = read_numbers(cgroup, "cgroup.procs", members);
	if (!err || err == -EOPNOTSUPP)
		err = read_numbers(cgroup, "cgroup.threads", &threads);
	sort(members);
	sort(&threads);
	if (!err)
		err = find_others(&threads, members, &others);
	for (size_t i = 0; !err && i < others.count; i++)
		err = add(members, others.pid[i]);
	sort(members);
	tnb_census_free(&threads);
	tnb_census_free(&others);
	/* The cgroup was removed, or all cgroups below are threaded. */
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}

int tnb_census_machine(struct tnb_census *members)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	*members = (struct tnb_census){ 0 };
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			err = add(members, atoi(entry->d_name));
	return err;
}

void tnb_census_free(struct tnb_census *members)
{
	free(members->pid);
	*members = (struct tnb_census){ 0 };
}
