/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the running kernel offers. Probed once, never derived from a version. */
#ifndef TIMENSBPF_LOADER_KERNEL_PROBE_H
#define TIMENSBPF_LOADER_KERNEL_PROBE_H

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <abi/tables/reads.h>
#include <abi/tables/waits.h>

enum tnb_answer { TNB_NO, TNB_YES, TNB_UNKNOWN };

/* /sys/kernel/debug/sched/preempt, or the kernel's build string. */
enum tnb_preemption {
	TNB_PREEMPT_NONE,
	TNB_PREEMPT_VOLUNTARY,
	TNB_PREEMPT_FULL,
	TNB_PREEMPT_LAZY,
	TNB_PREEMPT_UNKNOWN,
};

enum tnb_lockdown {
	TNB_LOCKDOWN_NONE,
	TNB_LOCKDOWN_INTEGRITY,
	TNB_LOCKDOWN_CONFIDENTIALITY,
};

struct tnb_kernel {
	char release[65];
	bool privileged;
	bool btf;
	enum tnb_lockdown lockdown;
	enum tnb_answer bpf_in_lsm_list;
	bool bpf_lsm;		/* compiled in */
	bool bpffs;		/* mounted on /sys/fs/bpf */
	char cgroup2[PATH_MAX]; /* mount point, "" if none */
	enum tnb_preemption preemption;
	char clock_source[32];	 /* "" unknown */
	bool hrtick;		 /* scheduler feature, lazy kernels only */
	bool error_injection;	 /* FUNCTION_ERROR_INJECTION */
	bool checkpoint_restore; /* CHECKPOINT_RESTORE */
	bool users_load_bpf;	 /* kernel.unprivileged_bpf_disabled is 0 */
	bool forbids_tracing;	/* yama's ptrace_scope 3, until the next boot */
	bool session;		/* kprobe sessions */
	bool session_takes_ctx; /* prototype since 7.0 */
	bool door[TNB_DOOR_MAX]; /* function exists */
	bool copy[TNB_COPY_MAX]; /* the same, for deadlines */
	bool ring_wait_regions;	 /* IORING_REGISTER_MEM_REGION, since 6.13 */
	bool time_door[TNB_TIME_DOOR_MAX];	  /* function exists */
	bool time_door_modify[TNB_TIME_DOOR_MAX]; /* fmod_ret loads */
};

/* Fill *kernel. What cannot be found out is false or UNKNOWN. Cannot fail. */
void tnb_kernel_probe(struct tnb_kernel *kernel);

/* Are seccomp filters given out? CONFIG_CHECKPOINT_RESTORE, which that
 * needs, also selects kcmp(2), which is probed. */
bool tnb_kernel_has_checkpoint_restore(void);

/* With a clock source of that name ("": unknown) the image reads the counter
 * and makes no system call. */
static inline bool tnb_clock_source_is_read(const char *name)
{
	return !*name || !strcmp(name, "tsc");
}
/* The same for the present clock source. */
bool tnb_kernel_has_tsc(void);

/* Can a task be preempted inside the kernel? Unknown counts as yes. */
bool tnb_kernel_is_preemptible(const struct tnb_kernel *kernel);

const char *tnb_preemption_name(enum tnb_preemption preemption);

#endif
