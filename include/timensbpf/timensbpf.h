/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtimensbpf: give the processes of a cgroup (v2) their own time.
 *
 * Conventions
 *  - int functions return 0 (or a count, where said) or a negative errno, and
 *    leave their outputs and the system unchanged on failure.
 *  - tnb_error_message() then tells in one line what was wrong and what would
 *    be right; it belongs to the calling thread and lasts until that thread's
 *    next call.
 *  - Offsets are nanoseconds relative to the host's clock of the same family,
 *    in the same unit and sign as virtual - host.
 *  - Handles are not thread-safe; several processes may use the library at
 *    once, changes take turns by a lock on the BPF file system.
 *  - All of it needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN,
 *    CAP_DAC_READ_SEARCH; to change running processes also CAP_SYS_PTRACE) in
 *    the initial user and cgroup namespaces.
 */
#ifndef TIMENSBPF_H
#define TIMENSBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All that is declared here, and nothing else, is exported. */
#pragma GCC visibility push(default)

#define TNB_MUST_CHECK __attribute__((warn_unused_result))

/* Version of the library, "MAJOR.MINOR.PATCH+BUILD". */
const char *tnb_version(void);

/* Why the calling thread's last call failed; "" if none did. Never NULL. */
const char *tnb_error_message(void);

/* Clocks that can be moved. TAI and the coarse and alarm clocks follow. */
enum tnb_clock_id {
	TNB_REALTIME,
	TNB_MONOTONIC,
	TNB_BOOTTIME,
	TNB_CLOCKS,
};

/* "realtime", "monotonic", "boottime". */
const char *tnb_clock_name(enum tnb_clock_id clock);

/* ---- Programs ---------------------------------------------------------- */

/* How clock reads are corrected; AUTO chooses by the kernel's preemption. */
enum tnb_read_attach {
	TNB_ATTACH_AUTO,
	TNB_ATTACH_FEXIT,
	TNB_ATTACH_SESSION,
	TNB_ATTACH_KRETPROBE,
};

enum tnb_load_result {
	TNB_LOAD_FRESH = 0,    /* nothing was loaded before */
	TNB_LOAD_CURRENT = 1,  /* this version was loaded: nothing done */
	TNB_LOAD_REPLACED = 2, /* another version was, its rules are kept */
};

/*
 * Load the programs and pin them, their links and maps below
 * /sys/fs/bpf/timensbpf. Returns an enum tnb_load_result.
 *
 * -EPERM no privileges, or lockdown in force; -EOPNOTSUPP no BPF LSM on a
 * kernel where nothing else guards the host's clock; -EEXIST a foreign or
 * incomplete pin directory; -EBUSY loaded with another way to attach.
 */
TNB_MUST_CHECK int tnb_load(enum tnb_read_attach attach);

/* Load unless something is loaded, whatever its version and attachment: what
 * run and set do. 0 or a negative errno as tnb_load(). */
TNB_MUST_CHECK int tnb_load_if_absent(void);

#define TNB_FORCE (1u << 0) /* accept a step back of a monotonic clock */

/*
 * Load, or take over what another version has loaded, in the way that it is
 * attached: its rules are kept. What a new daemon does. Results as tnb_load().
 */
TNB_MUST_CHECK int tnb_load_or_adopt(void);

/*
 * End all rules, detach everything, remove the pins, also incomplete ones.
 * -EBUSY: a rule's processes would see MONOTONIC or BOOTTIME step back, and
 * `flags` lack TNB_FORCE. Succeeds if nothing is loaded.
 */
TNB_MUST_CHECK int tnb_unload(unsigned int flags);

/* ---- Rules ------------------------------------------------------------- */

/*
 * Changes are made by the daemon (timensbpfd) where one runs, by the caller
 * where none does, or with this flag. Whichever: once.
 */
#define TNB_HERE (1u << 2)

struct tnb;

/*
 * Open the loaded programs. *out is the caller's, to be closed.
 * -ENOENT: not loaded; -EEXIST: an incomplete pin directory.
 */
TNB_MUST_CHECK int tnb_open(struct tnb **out);
/* NULL-safe; sets *tnb to NULL. Rules and programs stay. */
void tnb_close(struct tnb **tnb);

/* What is loaded: "fexit", "session" or "kretprobe", and the version. Valid as
 * long as the handle. */
const char *tnb_loaded_attach(const struct tnb *tnb);
const char *tnb_loaded_version(const struct tnb *tnb);

struct tnb_change {
	bool given[TNB_CLOCKS]; /* others keep what they are */
	int64_t offset_ns[TNB_CLOCKS];
	/* REALTIME only: offset_ns is the date to show now, in nanoseconds
	 * since the epoch, instead of an offset. */
	bool realtime_is_date;
};

/*
 * Give the cgroup at `path` (a cgroup v2 directory) its own time, or change
 * it. Clocks that are not given keep their value, inherited or own; cgroups
 * below follow unless they have a rule of their own. REALTIME offsets are cut
 * to whole microseconds, so that gettimeofday() and clock_gettime() agree.
 * Processes that run in it are changed, all at one instant (docs/fast-path.md);
 * who cannot be is listed by tnb_rule_processes(). That can take seconds where
 * there are thousands, and starts processes that are waited for.
 *
 * -EINVAL not a cgroup v2 directory, or the root cgroup; -ERANGE a clock would
 * leave its range (REALTIME: 1970-01-01 00:00:01 to 2262-04-11, the others:
 * not below 0); -EBUSY MONOTONIC or BOOTTIME would step back under living
 * processes and `flags` lack TNB_FORCE; -ENOSPC no free slot; -ENODEV the
 * cgroup was removed meanwhile; -EIO, -ETIMEDOUT the daemon has begun and was
 * not heard of again.
 */
TNB_MUST_CHECK int tnb_rule_set(struct tnb *tnb, const char *path,
				const struct tnb_change *change,
				unsigned int flags);

/*
 * End the rule of the cgroup at `path`: it follows its parent again.
 * -ENOENT: it has no rule of its own. -EBUSY as tnb_rule_set().
 */
TNB_MUST_CHECK int tnb_rule_unset(struct tnb *tnb, const char *path,
				  unsigned int flags);

struct tnb_rule {
	uint64_t cgroup_id;
	uint32_t slot;
	char *path; /* of the cgroup, below its mount, as in "/sys/fs/cgroup/x"
		     */
	int64_t offset_ns[TNB_CLOCKS];
	struct timespec date; /* the rule's CLOCK_REALTIME now */
};

/*
 * All rules, ordered by path. *rules is the caller's, to be freed with
 * tnb_rules_free(). Returns their number.
 */
TNB_MUST_CHECK int tnb_rules_load(struct tnb *tnb, struct tnb_rule **rules);
void tnb_rules_free(struct tnb_rule **rules, size_t count);

/* How a process of a rule reads its clock by the C library. */
enum tnb_fast {
	TNB_VDSO_HIDDEN,  /* by system calls: virtual */
	TNB_VDSO_VISIBLE, /* began outside and was not changed: its C library
			     reads the host's clock through the vDSO */
	TNB_VDSO_UNKNOWN, /* its memory could not be read */
	TNB_VDSO_FAST,	  /* by the replacement vDSO: virtual */
	TNB_VDSO_WAITS,	  /* has it, and makes system calls until a loader has
			     seen to it, or to those who left: virtual */
	TNB_VDSO_FOREIGN, /* by the page of programs that are gone, whose pins
			     somebody removed: another time than its rule's */
	TNB_VDSO_CALLS,	  /* has it, and makes system calls: the machine's clock
			     source or kernel is not one that it can read */
};

struct tnb_process {
	pid_t pid;
	char name[16];
	enum tnb_fast vdso;
	const char *why; /* it is not FAST. NULL if it is; never freed */
};

/*
 * The processes that live in the time of `rule`, those of cgroups below that
 * have no rule of their own included. *processes is the caller's, to be freed
 * with free(). Returns their number.
 */
TNB_MUST_CHECK int tnb_rule_processes(struct tnb *tnb,
				      const struct tnb_rule *rule,
				      struct tnb_process **processes);

/* ---- The loader --------------------------------------------------------- */

/* Whether a loader (timensbpfd) serves: what starts in a rule will be fast. */
bool tnb_loader_is_alive(void);

/* ---- Cgroups ----------------------------------------------------------- */

/* Where cgroup v2 is mounted. *path is the caller's, to be freed. -ENODEV:
 * nowhere. */
TNB_MUST_CHECK int tnb_cgroup_mount(char **path);

/* The cgroup v2 directory of a process, to be freed; pid 0: the caller. */
TNB_MUST_CHECK int tnb_cgroup_of(pid_t pid, char **path);

/*
 * Make a fresh cgroup `timensbpf.NAME` below the caller's own (so that the
 * limits of that one hold), with a rule. *fd is the caller's: a lock on it
 * marks the cgroup as in use, closing it lets others sweep it when it is
 * empty. *path is the caller's, to be freed.
 * -EEXIST: the name is in use.
 */
TNB_MUST_CHECK int tnb_cgroup_create(struct tnb *tnb, const char *name,
				     const struct tnb_change *change,
				     char **path, int *fd);
/* Kill what still runs in it, wait for the end (bounded), remove it. */
TNB_MUST_CHECK int tnb_cgroup_destroy(struct tnb *tnb, const char *path,
				      int fd);
/*
 * Open anew, by the caller's own mount, the cgroup that `fd` is a directory of
 * in any mount. Returns an fd to be closed; *path, to be freed, is its name
 * there. -EINVAL: not a cgroup v2 directory, or the root; -ENODEV: removed.
 */
TNB_MUST_CHECK int tnb_cgroup_reopen(int fd, char **path);
/* Move the caller into the cgroup at `path`. */
TNB_MUST_CHECK int tnb_cgroup_enter(const char *path);

/* ---- What works here --------------------------------------------------- */

enum tnb_health {
	TNB_OK,
	TNB_NOTE, /* it is so on every kernel: nothing to be mended */
	TNB_WARN, /* less than there could be, on this machine or now */
	TNB_FAIL, /* load cannot succeed */
};

/* What a finding is about. */
enum tnb_finding_group {
	TNB_GROUP_LOAD,	  /* whether the programs can be loaded */
	TNB_GROUP_DOORS,  /* how clocks are read, waits reached */
	TNB_GROUP_LIMITS, /* what stays the host's time */
	TNB_GROUP_NOW,	  /* what is loaded and what runs */
	TNB_GROUPS,
};

struct tnb_finding {
	const char *key; /* "lockdown": stable, for machines */
	enum tnb_finding_group group;
	enum tnb_health health;
	char *text;   /* what was found */
	char *advice; /* what to do about it, NULL if nothing */
};

/*
 * Examine this machine. *findings, ordered by group, is the caller's, to be
 * freed with tnb_findings_free(). Returns their number. Needs no privileges,
 * but without them it says less.
 */
TNB_MUST_CHECK int tnb_doctor(struct tnb_finding **findings);
void tnb_findings_free(struct tnb_finding **findings, size_t count);

/* A figure by name: an event that the programs counted, or how often a
 * program was missed. */
struct tnb_figure {
	char name[64];
	char *text; /* what it means */
	uint64_t value;
	bool missed; /* counts reads or starts that a program did not see */
};

TNB_MUST_CHECK int tnb_figures_load(struct tnb *tnb,
				    struct tnb_figure **figures);
void tnb_figures_free(struct tnb_figure **figures, size_t count);

/* One short line on what stays the host's time here. The caller's, to be freed.
 */
TNB_MUST_CHECK int tnb_known_gaps(char **line);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
