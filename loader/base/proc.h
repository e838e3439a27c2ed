/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc tells of processes (proc(5)). */
#ifndef TIMENSBPF_LOADER_BASE_PROC_H
#define TIMENSBPF_LOADER_BASE_PROC_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Open the directory of a process. If its first thread has ended, open that of
 * a living thread: the first one's has no memory any more. *tid: the thread
 * that it belongs to. -1: there is none.
 */
int tnb_proc_open(pid_t pid, pid_t *tid);

/* The threads of a process whose directory is open; the caller closes it.
 * NULL: it is gone. */
DIR *tnb_proc_threads(int proc);
/* The next one, 0 after the last. */
pid_t tnb_proc_next(DIR *threads);
/* The state letter of a thread in it; 0: it is gone, or works for io_uring in
 * the kernel, which it never leaves. */
char tnb_proc_thread_state(DIR *threads, pid_t tid);

/* A number of /proc/PID/stat, by its place from 4 on (proc(5)); 0: it cannot be
 * read. `proc`: the directory of the process. */
uint64_t tnb_proc_stat_field(int proc, int field);

/* Whether the numbers of processes are here what they are for BPF programs. */
bool tnb_proc_is_first_namespace(void);
/* Whether /proc names cgroups from the root of all (cgroup_namespaces(7)). */
bool tnb_proc_sees_all_cgroups(void);

/* ---- Safe between fork() and exec() ------------------------------------- */

/* The state letter; 0: there is no such process. */
char tnb_proc_state(pid_t pid);
/* When it began, in clock ticks since the machine did; 0: there is no such
 * process. Together with its number no other process has that. */
uint64_t tnb_proc_began(pid_t pid);
/* One that runs no code any more, by that letter. */
bool tnb_proc_has_ended(char state);
/* The tracer of a process, 0: it has none; -1: there is no such process. */
pid_t tnb_proc_tracer(pid_t pid);
/* The process of a thread, by its first one; -1: there is no such thread. */
pid_t tnb_proc_first(pid_t tid);
/* Whether it is writing a core file, which any interruption cuts off. `proc`:
 * the directory of a thread that has not ended, because others have no such
 * line. */
bool tnb_proc_dumps_core(int proc);
/* SECCOMP_MODE_ of seccomp(2); -1: there is no such process. */
int tnb_proc_seccomp(pid_t pid);

#endif
