/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events that the BPF programs count, in the per-CPU array `counters`.
 *
 * X(NAME, json key, what it means)
 */
#ifndef TIMENSBPF_ABI_TABLES_COUNTERS_H
#define TIMENSBPF_ABI_TABLES_COUNTERS_H

#define TNB_COUNTERS(X)                                                                             \
	X(READ_LOST, read_lost,                                                                     \
	  "clock reads that could not be corrected in the caller's memory")                         \
	X(CALL_BEGUN, call_begun,                                                                   \
	  "calls of time(2) and times(2) whose result only the loader can change")                  \
	X(DEADLINE_LOST, deadline_lost,                                                             \
	  "deadlines that the kernel took as a time of the host")                                   \
	X(DEADLINE_STUCK, deadline_stuck,                                                           \
	  "deadlines whose memory could not be put back at once")                                   \
	X(DEADLINE_CHANGED, deadline_changed,                                                       \
	  "deadlines in memory that another thread may have read while it was changed")             \
	X(DEADLINE_FORKED, deadline_forked,                                                         \
	  "deadlines whose memory a fork copied while it was changed")                              \
	X(DEADLINE_LATE, deadline_late,                                                             \
	  "deadlines whose memory was put back late, by the scheduler's program")                   \
	X(MEMORY_MENDED, memory_mended,                                                             \
	  "times that memory of a held thread was made writable by the loader")                     \
	X(MEMORY_LATE, memory_late,                                                                 \
	  "times that the loader came too late to make memory of a held thread writable")           \
	X(MEMORY_BUSY, memory_busy,                                                                 \
	  "times that memory was not made writable because other threads were held")                \
	X(SET_DENIED, set_denied,                                                                   \
	  "attempts to set the clock that were denied")                                             \
	X(EXEC_BEGUN, exec_begun, "programs started in a rule")                                     \
	X(EXEC_HIDDEN, exec_hidden,                                                                 \
	  "starts in which the host's vDSO was hidden")                                             \
	X(EXEC_FAILED, exec_failed,                                                                 \
	  "starts in which the host's vDSO could not be hidden")                                    \
	X(EXEC_KEPT, exec_kept,                                                                     \
	  "starts in which the host's vDSO was left, because a seccomp filter refuses clock calls") \
	X(EXEC_HELD, exec_held,                                                                     \
	  "starts that were held until the loader had them")                                        \
	X(EXEC_SHOWN, exec_shown,                                                                   \
	  "programs that started under lockdown without a loader: the host's time")                 \
	X(RULE_LEFT, rule_left, "processes that left a rule")                                       \
	X(RULE_KEPT, rule_kept,                                                                     \
	  "processes that left a rule whose time they keep: no loader changes them")                \
	X(CGROUP_INHERITED, cgroup_inherited, "cgroups that inherited a rule")                      \
	X(CGROUP_LOST, cgroup_lost,                                                                 \
	  "cgroups that could not inherit a rule (map full)")

#define TNB_COUNTER_ENUM(name, key, text) TNB_COUNT_##name,
enum tnb_counter { TNB_COUNTERS(TNB_COUNTER_ENUM) TNB_COUNT_MAX };
#undef TNB_COUNTER_ENUM

#endif
