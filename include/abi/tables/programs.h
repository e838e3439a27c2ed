/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The catalogue of BPF programs and maps. Everything that chooses, attaches,
 * upgrades, counts or checks programs reads it (loader/kernel/catalogue.h), and
 * nothing outside loader/kernel/ knows a program by its name.
 *
 * A program more is a .bpf.c file below bpf/ and a row here. Programs that are
 * the same for each row of another table (read_NAME, deadline_in_NAME and
 * others) get their rows in catalogue.c from that table. There, one more system
 * call that reads a clock is a row of TNB_READ_DOORS (arch/x86_64/doors.h), and
 * one more function that copies deadlines a row of TNB_COPIES (waits.h).
 * tests/unit/loader/kernel/catalogue.c fails on a program without a row and on
 * a row without a program.
 */
#ifndef TIMENSBPF_ABI_TABLES_PROGRAMS_H
#define TIMENSBPF_ABI_TABLES_PROGRAMS_H

/* When a kernel gets a program or a map. `row`: of the table in brackets. */
enum tnb_if {
	TNB_IF_ALWAYS,
	TNB_IF_LSM,    /* the BPF LSM is active */
	TNB_IF_NO_LSM, /* it is not: fmod_ret stands in for it */
	TNB_IF_READ,   /* reads by fexit, function exists (TNB_READ_DOORS) */
	TNB_IF_WAIT,   /* reads by fexit, function exists (TNB_COPIES) */
	TNB_IF_TIME,   /* the kernel takes that many copies (TNB_TIME_DOORS) */
	TNB_IF_KRETPROBE, /* reads by return probes */
	TNB_IF_SESSION,	  /* reads by kprobe sessions */
	TNB_IF_LOCKDOWN,  /* the BPF LSM alone: no program may write user memory
			   */
};

enum tnb_by {
	TNB_BY_SECTION, /* libbpf attaches it to what its section names */
	TNB_BY_EVENT,	/* the same, and its link is that of a perf event */
	TNB_BY_PROBE,	/* to an entry probe of our own at each target */
	TNB_BY_RETURN,	/* to a return probe of our own at each target */
	TNB_BY_SESSION, /* to all targets by one link */
	TNB_BY_ARRAY,	/* a worker: a stub calls it through a door array */
	TNB_BY_RUN,	/* user space runs it (BPF_PROG_RUN, an iterator) */
};

/*
 * Where a program is attached, in the order of attaching: what may stand twice
 * during an upgrade comes first, and doors of reading last, because without
 * their workers they change nothing yet.
 */
enum tnb_at {
	TNB_AT_HOOK,  /* one place of its own */
	TNB_AT_WAITS, /* targets: the rows of TNB_COPIES */
	TNB_AT_READS, /* targets: the rows of TNB_READ_DOORS */
	TNB_AT_MAX,
};

enum tnb_part_flag {
	/*
	 * An upgrade takes it over from the loaded set, for a program with its
	 * links. All others are loaded and attached anew and stand twice until
	 * the old set is removed.
	 */
	TNB_KEPT = 1,
	/* A loaded set without it is incomplete: user space opens it, or no
	 * rule is kept without it. */
	TNB_NEEDED = 2,
	/* A miss of it is none while the next row is loaded as well: that one
	 * stands in for it. */
	TNB_SPARE = 4,
	/* It calls bpf_probe_write_user(), so that no kernel under lockdown
	 * loads it. The unit test of the catalogue compares. */
	TNB_WRITES = 8,
	/* It serves such programs alone, and goes with them. */
	TNB_SERVES_WRITES = 16,
};

/* X(NAME, when (TNB_IF_), how attached (TNB_BY_), where (TNB_AT_), flags) */
#define TNB_PROGRAMS(X)                                                       \
	/* bpf/life */                                                        \
	X(lsm_kernfs_init_security, LSM, SECTION, HOOK, 0)                    \
	X(tp_cgroup_mkdir, ALWAYS, SECTION, HOOK, TNB_NEEDED)                 \
	X(tp_cgroup_release, ALWAYS, SECTION, HOOK, 0)                        \
	X(kprobe_finalize_exec, ALWAYS, EVENT, HOOK, TNB_NEEDED | TNB_WRITES) \
	X(tp_sched_process_exec, ALWAYS, SECTION, HOOK, TNB_WRITES)           \
	X(lsm_exec_shown, LOCKDOWN, SECTION, HOOK, 0)                         \
	X(lsm_bprm_committed_creds, LSM, SECTION, HOOK, 0)                    \
	X(lsm_start, LSM, SECTION, HOOK, 0)                                   \
	X(fmod_ret_start, NO_LSM, SECTION, HOOK, 0)                           \
	X(move_begins, ALWAYS, SECTION, HOOK, 0)                              \
	X(move_ends, ALWAYS, SECTION, HOOK, 0)                                \
	X(tp_born, ALWAYS, SECTION, HOOK, 0)                                  \
	X(filter_set, ALWAYS, SECTION, HOOK, 0)                               \
	/* bpf/guard */                                                       \
	X(lsm_settime, LSM, SECTION, HOOK, 0)                                 \
	X(lsm_capable, LSM, SECTION, HOOK, 0)                                 \
	X(fmod_ret_settime, NO_LSM, SECTION, HOOK, 0)                         \
	X(fmod_ret_capable, NO_LSM, SECTION, HOOK, 0)                         \
	/* bpf/user */                                                        \
	X(memory_users, ALWAYS, RUN, HOOK, TNB_NEEDED)                        \
	X(memory_owners, ALWAYS, RUN, HOOK, TNB_NEEDED)                       \
	X(page_write, ALWAYS, RUN, HOOK, TNB_NEEDED)                          \
	X(page_pass, ALWAYS, RUN, HOOK, TNB_NEEDED)                           \
	/* bpf/wait; of deadlines the way out before the way in, so that      \
	 * nothing goes in that does not come out */                          \
	X(lsm_task_alloc, LSM, SECTION, HOOK, TNB_SERVES_WRITES)              \
	X(lsm_task_free, LSM, SECTION, HOOK, TNB_SERVES_WRITES)               \
	X(tp_sched_wakeup_new, ALWAYS, SECTION, HOOK, TNB_SERVES_WRITES)      \
	X(tp_sched_switch, ALWAYS, SECTION, HOOK, TNB_WRITES)                 \
	X(fentry_exit_mmap, ALWAYS, SECTION, HOOK, TNB_WRITES)                \
	X(deadline_kretprobe, KRETPROBE, RETURN, WAITS, TNB_WRITES)           \
	X(deadline_kprobe, KRETPROBE, PROBE, WAITS, TNB_WRITES)               \
	X(deadline_session, SESSION, SESSION, WAITS, TNB_WRITES)              \
	/* bpf/read; a stub is attached and kept, a worker is exchanged */    \
	X(kretprobe_clock, KRETPROBE, RETURN, READS, TNB_KEPT)                \
	X(read_kretprobe, KRETPROBE, ARRAY, READS, TNB_WRITES)                \
	X(session_clock, SESSION, SESSION, READS, TNB_KEPT)                   \
	X(read_session, SESSION, ARRAY, READS, TNB_WRITES)

/* X(NAME, flags). A map that two objects define is one map. Maps of global data
 * have no row. */
#define TNB_MAPS(X)                             \
	/* the rules */                         \
	X(cgroup_slots, TNB_KEPT | TNB_NEEDED)  \
	X(clock_pages, TNB_KEPT | TNB_NEEDED)   \
	X(journal, TNB_KEPT | TNB_NEEDED)       \
	/* of the running loader */             \
	X(loader_events, TNB_KEPT | TNB_NEEDED) \
	X(loader_state, TNB_KEPT | TNB_NEEDED)  \
	/* deadlines and forks under way, which \
	 * the new programs see the end of */   \
	X(deadline_records, TNB_KEPT)           \
	X(fork_of, TNB_KEPT)                    \
	X(forks, TNB_KEPT)                      \
	X(in_flight, TNB_KEPT)                  \
	X(stuck_windows, TNB_KEPT)              \
	X(windows, TNB_KEPT)                    \
	/* begin again with each set */         \
	X(calls_again, 0)                       \
	X(counters, TNB_NEEDED)

/* X(NAME, when, worker): arrays through which a stub calls a worker. */
#define TNB_DOOR_ARRAYS(X)                           \
	X(door_kretprobe, KRETPROBE, read_kretprobe) \
	X(door_session, SESSION, read_session)

#define TNB_PROGRAM_ENUM(name, ...) TNB_PROGRAM_##name,
enum tnb_program_id { TNB_PROGRAMS(TNB_PROGRAM_ENUM) TNB_PROGRAM_MAX };
#undef TNB_PROGRAM_ENUM

#define TNB_MAP_ENUM(name, ...) TNB_MAP_##name,
enum tnb_map_id { TNB_MAPS(TNB_MAP_ENUM) TNB_MAP_MAX };
#undef TNB_MAP_ENUM

#endif
