/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events that the BPF programs count, in the per-CPU array `counters`.
 *
 * X(NAME, json key, what it means)
 */
#ifndef TIMENSBPF_ABI_TABLES_COUNTERS_H
#define TIMENSBPF_ABI_TABLES_COUNTERS_H

#define TNB_COUNTERS(X)                                                        \
	X(READ_LOST, read_lost,                                                \
	  "clock reads whose memory could not be corrected")                   \
	X(DEADLINE_LOST, deadline_lost,                                        \
	  "deadlines that the kernel took as the host's time")                 \
	X(DEADLINE_STUCK, deadline_stuck,                                      \
	  "deadlines whose memory could not be put back at once")              \
	X(DEADLINE_CHANGED, deadline_changed,                                  \
	  "deadlines in memory that may have been read while it was changed")  \
	X(DEADLINE_FORKED, deadline_forked,                                    \
	  "deadlines just being armed whose memory a child took along")        \
	X(DEADLINE_LATE, deadline_late,                                        \
	  "deadlines whose memory the scheduler's program put back")           \
	X(SET_DENIED, set_denied, "attempts to set the clock, denied")         \
	X(EXEC_BEGUN, exec_begun, "programs started in virtual time")          \
	X(EXEC_HIDDEN, exec_hidden, "of these, the host's vDSO was hidden")    \
	X(EXEC_FAILED, exec_failed, "of these, the vDSO could not be hidden")  \
	X(EXEC_WAITED, exec_waited,                                            \
	  "of these, waited for the loader at their first segment")            \
	X(EXEC_HELD, exec_held,                                                \
	  "of these, were stopped until the loader came")                      \
	X(RULE_LEFT, rule_left,                                                \
	  "processes that came to another rule, or out of all")                \
	X(CGROUP_INHERITED, cgroup_inherited, "cgroups that took a rule over") \
	X(CGROUP_LOST, cgroup_lost,                                            \
	  "cgroups that could not take a rule over (map full)")

#define TNB_COUNTER_ENUM(name, key, text) TNB_COUNT_##name,
enum tnb_counter { TNB_COUNTERS(TNB_COUNTER_ENUM) TNB_COUNT_MAX };
#undef TNB_COUNTER_ENUM

#endif
