/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtimensbpf: give the processes of a cgroup (v2) their own time.
 *
 * Conventions
 *  - Functions of type int return 0, or a count where that is said, or a
 *    negative errno. On failure they leave their outputs and all rules
 *    unchanged, unless the error says that the daemon took the request (-EIO,
 *    -ETIMEDOUT). Programs that a call loaded may stay loaded.
 *  - After a failure tnb_error_message() tells in one line what was wrong and
 *    what would be right. The text belongs to the calling thread and lasts
 *    until that thread's next call.
 *  - What a function allocates is the caller's, to be freed as it says there.
 *    Strings behind `const char *` are the library's.
 *  - Times are in nanoseconds. An offset is relative to the host's clock of the
 *    same family: virtual time minus host time.
 *  - A handle may be used by one thread at a time. Several processes may use
 *    the library at once: changes take turns by a lock on the BPF file system.
 *  - Functions need root in the initial user and cgroup namespaces: CAP_BPF,
 *    CAP_PERFMON, CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH, and CAP_SYS_PTRACE to
 *    change running processes. libtimensbpf(3) lists those that do not.
 *  - To change running processes the library starts child processes and waits
 *    for them. These use a real-time signal and a real-time scheduling class;
 *    the signals and the scheduling of the caller stay as they are. A caller
 *    that waits for any child, as by waitpid(-1), may see theirs end.
 */
#ifndef TIMENSBPF_H
#define TIMENSBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <timensbpf/clock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library exports what is declared here and nothing else. */
#pragma GCC visibility push(default)

#define TNB_MUST_CHECK __attribute__((warn_unused_result))

/* Version of the library, as in "1.2.3+BUILD". */
const char *tnb_version(void);

/* Why the calling thread's last failed call failed; "" if none did. Never
 * NULL. */
const char *tnb_error_message(void);

/* "realtime", "monotonic", "boottime". */
const char *tnb_clock_name(enum tnb_clock_id clock);

/* ---- Programs ---------------------------------------------------------- */

/*
 * By which kind of BPF program clock reads by system call are corrected. AUTO
 * chooses by the kernel's preemption model. NONE is what AUTO chooses under
 * lockdown (Secure Boot), where no program may write user memory: system calls
 * have the host's time, and the replacement vDSO alone has the rule's.
 */
enum tnb_read_attach {
	TNB_ATTACH_AUTO,
	TNB_ATTACH_FEXIT,
	TNB_ATTACH_SESSION,
	TNB_ATTACH_KRETPROBE,
	TNB_ATTACH_NONE,
};

enum tnb_load_result {
	TNB_LOAD_FRESH = 0,    /* nothing was loaded before */
	TNB_LOAD_CURRENT = 1,  /* this version was loaded: nothing was done */
	TNB_LOAD_REPLACED = 2, /* another version was loaded: its rules stay */
};

/*
 * Load the programs and pin them, their links and their maps below
 * /sys/fs/bpf/timensbpf. Returns an enum tnb_load_result.
 *
 * -EPERM: privileges are missing, or lockdown is in force and nothing would be
 * virtual. -EOPNOTSUPP: no BPF LSM on a kernel where nothing else guards the
 * host's clock; `attach` is not possible here. -EEXIST: the pin
 * directory is incomplete or not of this program. -EBUSY: rules exist and the
 * programs are attached in another way.
 */
TNB_MUST_CHECK int tnb_load(enum tnb_read_attach attach);

/* Load if nothing is loaded, whatever its version: what `run` and `set` do.
 * Returns 0; errors as tnb_load(). */
TNB_MUST_CHECK int tnb_load_if_absent(void);

/*
 * Load, or replace the programs of another version in the way that they are
 * attached; rules stay. What a daemon does at its start. Results as tnb_load().
 */
TNB_MUST_CHECK int tnb_load_or_adopt(void);

/* For `flags`: a clock other than REALTIME may step back for living processes.
 */
#define TNB_FORCE (1u << 0)

/*
 * End all rules, detach all programs and remove the pins, incomplete ones
 * included. Succeeds if nothing is loaded. `flags`: TNB_FORCE.
 * -EBUSY: MONOTONIC or BOOTTIME would step back for the processes of a rule,
 * and `flags` lack TNB_FORCE.
 */
TNB_MUST_CHECK int tnb_unload(unsigned int flags);

/* ---- Rules ------------------------------------------------------------- */

/*
 * For `flags`: the caller makes the change itself. Without it the daemon
 * (timensbpfd) makes it if one runs, else the caller. A change is made once.
 */
#define TNB_HERE (1u << 2)

struct tnb;

/*
 * Open the loaded programs. *out is to be closed with tnb_close().
 * -ENOENT: nothing is loaded. -EEXIST: the pin directory is incomplete.
 */
TNB_MUST_CHECK int tnb_open(struct tnb **out);
/* Sets *tnb to NULL; NULL is allowed. Rules and programs stay. */
void tnb_close(struct tnb **tnb);

/* How the loaded programs are attached: "fexit", "session", "kretprobe" or
 * "none" (lockdown); and their version. Valid until the handle is closed. */
const char *tnb_loaded_attach(const struct tnb *tnb);
const char *tnb_loaded_version(const struct tnb *tnb);

/* What the loaded programs leave the host's time because of lockdown, in a few
 * words, by number from 0 on; NULL: no more, or no lockdown. */
const char *tnb_loaded_gap(const struct tnb *tnb, size_t number);

/*
 * How a process of a rule reads its clocks by the C library. The library finds
 * it out from the memory of the process (/proc/PID/mem). Where clock reads are
 * attached by TNB_ATTACH_NONE, a process that makes system calls has the host's
 * time and is TNB_VDSO_VISIBLE, and one that left another rule and reads its
 * page yet is TNB_VDSO_FOREIGN.
 */
enum tnb_fast {
	TNB_VDSO_HIDDEN,  /* by system calls: the rule's time */
	TNB_VDSO_VISIBLE, /* started outside of the rule and was not changed: it
			     reads the host's time through the vDSO */
	TNB_VDSO_UNKNOWN, /* its memory cannot be read */
	TNB_VDSO_FAST,	  /* by the replacement vDSO: the rule's time */
	TNB_VDSO_WAITS,	  /* has the replacement vDSO, which makes system calls
			     until the loader has changed it, or the processes
			     that left the rule: the rule's time */
	TNB_VDSO_FOREIGN, /* by the clock page of programs that are gone because
			     their pins were removed by hand: another time than
			     the rule's */
	TNB_VDSO_CALLS,	  /* has the replacement vDSO, which makes system calls
			     because it cannot read the machine's clock source
			     or does not know the kernel: the rule's time */
	TNB_VDSO_KINDS,
};

/* Processes of which a change lists the names. */
#define TNB_LEFT_MAX 16

/*
 * What became of the processes of a cgroup by a change. Processes that cannot
 * be changed are left as they are. Which time a process reads then is in its
 * enum tnb_fast; it is another time than the rule's for the processes that
 * `left` counts: TNB_VDSO_VISIBLE, TNB_VDSO_FOREIGN and TNB_VDSO_UNKNOWN. Where
 * the host's time is the right one, because no rule is left, these are the
 * processes of TNB_VDSO_FOREIGN.
 */
struct tnb_left {
	int32_t pid;
	uint32_t vdso; /* enum tnb_fast: tnb_vdso_text() tells why */
	char name[16];
};

struct tnb_change_result {
	uint32_t changed; /* processes that were given other pages */
	uint32_t left;
	uint32_t kind[TNB_VDSO_KINDS]; /* all processes, by enum tnb_fast */
	int32_t error;	 /* 0, or a negative errno: why `left` is not known */
	uint32_t listed; /* the first of those left, at most TNB_LEFT_MAX */
	struct tnb_left process[TNB_LEFT_MAX];
};

/* Why a process is not TNB_VDSO_FAST, in words; NULL for TNB_VDSO_FAST. */
const char *tnb_vdso_text(enum tnb_fast vdso);

/*
 * Give the cgroup at `path`, a cgroup v2 directory, its own time, or change
 * that. Clocks that `settings` do not give keep their value, inherited or own.
 * Cgroups below follow unless they have a rule of their own. REALTIME offsets
 * are cut to whole microseconds, so that gettimeofday() and clock_gettime()
 * agree. The running processes of the cgroup are changed, all at one instant
 * (docs/fast-path.md). This can take seconds where there are thousands.
 * *result, which may be NULL, tells what became of them.
 *
 * -EINVAL: not a cgroup v2 directory, the root cgroup, or settings that this
 * library does not know. -ERANGE: a clock would leave its range (REALTIME:
 * 1970-01-01 00:00:01 to 2262-04-11; the others: 0 to 292 years). -EBUSY:
 * MONOTONIC or BOOTTIME would step back for living processes, and `flags` lack
 * TNB_FORCE. -ENOSPC: all slots are in use. -ENODEV: the cgroup was removed
 * meanwhile. -EIO, -ETIMEDOUT: the daemon accepted the change and did not
 * report its end.
 */
TNB_MUST_CHECK int tnb_rule_set(struct tnb *tnb, const char *path,
				const struct tnb_clock_settings *settings,
				unsigned int flags,
				struct tnb_change_result *result);

/* The same for a cgroup that is open as a directory, in any mount. `name` is
 * how messages call it; NULL: by its path below the mount. */
TNB_MUST_CHECK int tnb_rule_set_at(struct tnb *tnb, int cgroup,
				   const char *name,
				   const struct tnb_clock_settings *settings,
				   unsigned int flags,
				   struct tnb_change_result *result);

/*
 * End the rule of the cgroup at `path`: it follows its parent again.
 * -ENOENT: it has no rule of its own. Other errors as tnb_rule_set().
 */
TNB_MUST_CHECK int tnb_rule_unset(struct tnb *tnb, const char *path,
				  unsigned int flags,
				  struct tnb_change_result *result);
TNB_MUST_CHECK int tnb_rule_unset_at(struct tnb *tnb, int cgroup,
				     const char *name, unsigned int flags,
				     struct tnb_change_result *result);

struct tnb_rule {
	uint64_t cgroup_id;
	uint32_t slot;	  /* of its clock page */
	char *path;	  /* of the cgroup, as "/sys/fs/cgroup/system.slice" */
	const char *name; /* the part of it below the mount: "/system.slice" */
	int64_t offset_ns[TNB_CLOCKS];
	struct timespec date; /* the rule's CLOCK_REALTIME now */
};

/*
 * All rules, ordered by path. *rules is to be freed with tnb_rules_free().
 * Returns their number. The source is the map cgroup_slots, and the clock page
 * of each slot.
 */
TNB_MUST_CHECK int tnb_rules_load(struct tnb *tnb, struct tnb_rule **rules);
void tnb_rules_free(struct tnb_rule **rules, size_t count);

struct tnb_process {
	pid_t pid;
	char name[16];
	enum tnb_fast vdso;
	const char *why; /* it is not TNB_VDSO_FAST; NULL if it is */
};

/*
 * The processes that live in the time of `rule`, including those of cgroups
 * below that have no rule of their own. *processes is to be freed with free().
 * Returns their number. -ENODEV: the cgroup was removed.
 */
TNB_MUST_CHECK int tnb_rule_processes(struct tnb *tnb,
				      const struct tnb_rule *rule,
				      struct tnb_process **processes);

/* ---- The loader --------------------------------------------------------- */

/* Whether a loader (timensbpfd) serves: programs that start in a rule will read
 * their clocks without system calls. Takes a quarter of a second if it hangs.
 */
bool tnb_loader_is_alive(void);

/* ---- Cgroups ----------------------------------------------------------- */

/* Where cgroup v2 is mounted. *path is the caller's, to be freed. -ENODEV:
 * nowhere. */
TNB_MUST_CHECK int tnb_cgroup_mount(char **path);

/* The cgroup v2 directory of a process, to be freed; pid 0: the caller. */
TNB_MUST_CHECK int tnb_cgroup_of(pid_t pid, char **path);

/* The path of an open cgroup below the mount, as "/system.slice", to be freed.
 * `fd` may be of any mount. -EINVAL: it is not a cgroup v2 directory, or the
 * root. -ENODEV: it was removed. */
TNB_MUST_CHECK int tnb_cgroup_name(int fd, char **name);

/*
 * Make a cgroup `timensbpf.NAME` below the caller's own, so that the limits of
 * that one hold, and give it a rule. *path is to be freed. *fd is to be closed:
 * a lock on it marks the cgroup as in use. An empty cgroup without that lock is
 * removed by the next call.
 * -EEXIST: the name is in use. Other errors as tnb_rule_set().
 */
TNB_MUST_CHECK int tnb_cgroup_create(struct tnb *tnb, const char *name,
				     const struct tnb_clock_settings *settings,
				     char **path, int *fd);
/* Kill the processes of the cgroup, wait for their end up to 10 s, remove it.
 * -EBUSY: they do not end. */
TNB_MUST_CHECK int tnb_cgroup_destroy(struct tnb *tnb, const char *path,
				      int fd);
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

/*
 * One short line on what stays the host's time here. The caller's, to be freed.
 * Returns 0, or 1 under lockdown, where that is more than elsewhere, also by
 * the C library for programs that no loader prepares.
 */
TNB_MUST_CHECK int tnb_known_gaps(char **line);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
