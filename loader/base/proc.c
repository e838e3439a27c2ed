/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "proc.h"

#include "cleanup.h"
#include "file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* In the kernel's PF_ flags (include/linux/sched.h). */
#define PF_IO_WORKER 0x10
/* PROC_PID_INIT_INO and PROC_CGROUP_INIT_INO of include/linux/proc_ns.h */
#define FIRST_PID_NAMESPACE 0xeffffffcU
#define FIRST_CGROUP_NAMESPACE 0xeffffffbU

static bool read_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return tnb_file_read_at(AT_FDCWD, path, text, size) > 0;
}

/* ---- stat ---------------------------------------------------------------- */

/* What follows the name, which may hold anything. */
static const char *find_state(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : "";
}

char tnb_proc_state(pid_t pid)
{
	char text[512];

	return read_text(pid, "stat", text, sizeof(text)) ? *find_state(text)
							  : 0;
}

/* The state is the third field. */
uint64_t tnb_proc_stat_field(int proc, int field)
{
	char text[2048];
	const char *at;

	if (tnb_file_read_at(proc, "stat", text, sizeof(text)) <= 0)
		return 0;
	at = find_state(text);
	for (int i = 3; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

uint64_t tnb_proc_began(pid_t pid)
{
	char path[32];
	_cleanup_close_
	int proc = -1;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? 0 : tnb_proc_stat_field(proc, 22);
}

bool tnb_proc_has_ended(char state)
{
	return !state || strchr("ZXx", state);
}

/* By the thread's own file: that in /proc/TID adds up all threads. */
char tnb_proc_thread_state(DIR *threads, pid_t tid)
{
	char path[32], text[512], state;
	unsigned int flags;

	snprintf(path, sizeof(path), "%d/stat", tid);
	if (tnb_file_read_at(dirfd(threads), path, text, sizeof(text)) <= 0 ||
	    sscanf(find_state(text), "%c %*d %*d %*d %*d %*d %u", &state,
		   &flags) != 2)
		return 0;
	return flags & PF_IO_WORKER ? 0 : state;
}

/* ---- status -------------------------------------------------------------- */

/* More than a line that is looked for has. */
#define LINE_MAX_SIZE 64

/* The line with that key, in pieces: one can list 65,536 groups before it. */
static int find_number(int status, const char *key)
{
	char text[4096];
	size_t kept = 0;
	ssize_t got;

	while ((got = read(status, text + kept, sizeof(text) - 1 - kept)) > 0) {
		size_t length = kept + (size_t)got;
		const char *at;

		text[length] = '\0';
		at = strstr(text, key);
		if (at && strchr(at + strlen(key), '\n'))
			return (int)strtol(at + strlen(key), NULL, 10);
		kept = length < LINE_MAX_SIZE ? length : LINE_MAX_SIZE;
		memmove(text, text + length - kept, kept);
	}
	return got < 0 ? -1 : 0;
}

/* 0 without such a line; -1: it cannot be read. */
static int number_at(int directory, const char *path, const char *key)
{
	_cleanup_close_
	int status = openat(directory, path, O_RDONLY | O_CLOEXEC);

	return status < 0 ? -1 : find_number(status, key);
}

static int number_in_status(pid_t pid, const char *key)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return number_at(AT_FDCWD, path, key);
}

pid_t tnb_proc_tracer(pid_t pid)
{
	return number_in_status(pid, "\nTracerPid:");
}

pid_t tnb_proc_first(pid_t tid)
{
	return number_in_status(tid, "\nTgid:");
}

bool tnb_proc_dumps_core(int proc)
{
	return number_at(proc, "status", "\nCoreDumping:") > 0;
}

int tnb_proc_seccomp(pid_t pid)
{
	return number_in_status(pid, "\nSeccomp:");
}

/* ---- Directories --------------------------------------------------------- */

DIR *tnb_proc_threads(int proc)
{
	int fd = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *threads = fd < 0 ? NULL : fdopendir(fd);

	if (!threads && fd >= 0)
		close(fd);
	return threads;
}

pid_t tnb_proc_next(DIR *threads)
{
	struct dirent *entry;
	pid_t tid = 0;

	while (!tid && (entry = readdir(threads)))
		tid = atoi(entry->d_name);
	return tid;
}

static int open_directory(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static pid_t find_living(int proc)
{
	_cleanup_closedir_ DIR *threads = tnb_proc_threads(proc);
	pid_t tid = threads ? tnb_proc_next(threads) : 0;

	while (tid && tnb_proc_has_ended(tnb_proc_thread_state(threads, tid)))
		tid = tnb_proc_next(threads);
	return tid;
}

int tnb_proc_open(pid_t pid, pid_t *tid)
{
	int proc = open_directory(pid);
	pid_t living;

	*tid = pid;
	if (proc < 0 || tnb_proc_state(pid) != 'Z')
		return proc;
	living = find_living(proc);
	if (!living)
		return proc;
	close(proc);
	*tid = living;
	return open_directory(living);
}

bool tnb_proc_is_first_namespace(void)
{
	struct stat own;

	return !stat("/proc/self/ns/pid", &own) &&
	       own.st_ino == FIRST_PID_NAMESPACE;
}

bool tnb_proc_sees_all_cgroups(void)
{
	struct stat own;

	return stat("/proc/self/ns/cgroup", &own) ||
	       own.st_ino == FIRST_CGROUP_NAMESPACE;
}
