/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of `show`: what the programs counted, and how often the kernel
 * skipped them. */
#define _GNU_SOURCE
#include "base/array.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/bpf_map.h"
#include "kernel/catalogue.h"
#include "kernel/pins.h"
#include "kernel/probe_events.h"
#include "rules/channel.h"
#include "rules/handle.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <abi/latch.h>
#include <abi/tables/counters.h>
#include <abi/tables/reads.h>

struct figures {
	struct tnb_figure *all;
	size_t count, space;
};

static int add(struct figures *figures, const char *name, uint64_t value,
	       bool missed, const char *text)
{
	struct tnb_figure *figure;
	void *grown = tnb_array_grow(figures->all, figures->count,
				     &figures->space, sizeof(*figures->all));

	if (!grown)
		return tnb_fail_memory();
	figures->all = grown;
	figure = &figures->all[figures->count];
	memset(figure, 0, sizeof(*figure));
	snprintf(figure->name, sizeof(figure->name), "%s", name);
	figure->value = value;
	figure->missed = missed;
	figure->text = strdup(text);
	if (!figure->text)
		return tnb_fail_memory();
	figures->count++;
	return 0;
}

static uint64_t sum_counter(const struct tnb *tnb, __u32 key)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_
	uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values))
				    : NULL;
	uint64_t sum = 0;

	if (!values || tnb_bpf_map_lookup(tnb->counters, &key, values))
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

static uint64_t call_again(const struct tnb *tnb, enum tnb_call_task task)
{
	return tnb_load_acquire(tnb->loader->again[task]);
}

/* What a call has lost that was made again is not lost. The loss was counted
 * first. */
static uint64_t without_repaired(const struct tnb *tnb, __u32 counter,
				 uint64_t value)
{
	uint64_t again = 0;

	if (counter == TNB_COUNT_READ_LOST)
		again = call_again(tnb, TNB_CALL_READ);
	else if (counter == TNB_COUNT_DEADLINE_LOST)
		again = call_again(tnb, TNB_CALL_WAIT);
	else if (counter == TNB_COUNT_DEADLINE_STUCK)
		again = call_again(tnb, TNB_CALL_SETTLE);
	return value > again ? value - again : 0;
}

/*
 * A start that both hiding programs missed has no counter of its own: it is the
 * difference of others. They are read in the order in which the programs count,
 * those of hiding last, so that a start under way never shows as missed.
 */
/* These are wrong times, and 0 elsewhere. */
static bool is_missed_under_lockdown(enum tnb_counter counter)
{
	return counter == TNB_COUNT_EXEC_SHOWN ||
	       counter == TNB_COUNT_RULE_KEPT;
}

/* Nothing is hidden there. */
static bool hides_vdso(const struct tnb *tnb)
{
	return tnb->state.attach != TNB_ATTACH_NONE;
}

static int add_counters(const struct tnb *tnb, struct figures *figures)
{
	uint64_t begun = sum_counter(tnb, TNB_COUNT_EXEC_BEGUN), done;
	int err = 0;

#define ADD_COUNTER(name, key, text)                                          \
	if (!err)                                                             \
		err = add(                                                    \
			figures, #key,                                        \
			without_repaired(tnb, TNB_COUNT_##name,               \
					 sum_counter(tnb, TNB_COUNT_##name)), \
			is_missed_under_lockdown(TNB_COUNT_##name), text);
	TNB_COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
	done = sum_counter(tnb, TNB_COUNT_EXEC_HIDDEN) +
	       sum_counter(tnb, TNB_COUNT_EXEC_FAILED) +
	       sum_counter(tnb, TNB_COUNT_EXEC_KEPT);
	if (!err && tnb->state.lsm && hides_vdso(tnb))
		err = add(
			figures, "missed.exec", begun > done ? begun - done : 0,
			true,
			"programs started whose vDSO may not be hidden (or that died in exec)");
	return err;
}

static int add_starts(const struct tnb *tnb, struct figures *figures)
{
	const bool host = !hides_vdso(tnb);
	int err = add(
		figures, "start_fast", tnb->loader->fast, false,
		"programs started that read their clocks without system calls");
#define ADD_SLOW(name, key, text)                                             \
	if (!err)                                                             \
		err = add(                                                    \
			figures, "start_slow." #key,                          \
			tnb->loader->slow[TNB_SLOW_##name],                   \
			host && TNB_SLOW_##name != TNB_SLOW_GONE,             \
			host ? "programs started with the HOST's time: " text \
			     : "programs started that make system calls: " text);
	TNB_SLOW_REASONS(ADD_SLOW)
#undef ADD_SLOW
	if (!err)
		err = add(
			figures, "loader_hung", tnb->loader->hung, false,
			"loaders that the guard ended because they stood still while they held a program");
	return err;
}

/*
 * A call that was not completed has returned the host's value, unless its
 * thread ended. Whatever did not come to the loader, or came to none, is lost
 * by this difference. The beginning is read first; a call that is being
 * completed counts as lost for so long.
 */
static int add_calls(const struct tnb *tnb, struct figures *figures)
{
	uint64_t begun = sum_counter(tnb, TNB_COUNT_CALL_BEGUN), done;
	const __u64 *call = tnb->loader->call;
	int err = 0;

	done = tnb_load_acquire(call[TNB_CALL_COMPLETED]) +
	       tnb_load_acquire(call[TNB_CALL_GONE]);
#define ADD_CALL(name, key, text)                                              \
	if (!err)                                                              \
		err = add(figures, "call." #key, call[TNB_CALL_##name], false, \
			  "calls of time(2) and times(2) " text);
	TNB_CALL_OUTCOMES(ADD_CALL)
#undef ADD_CALL
	if (!err)
		err = add(
			figures, "read_again", call_again(tnb, TNB_CALL_READ),
			false,
			"clock reads that were made again, so that nothing was lost");
	if (!err)
		err = add(
			figures, "deadline_again",
			call_again(tnb, TNB_CALL_WAIT), false,
			"waits that were made again, so that their deadline was not lost");
	if (!err)
		err = add(
			figures, "deadline_settled",
			call_again(tnb, TNB_CALL_SETTLE), false,
			"deadlines whose memory was put back while the loader had their thread stopped");
	return err ? err
		   : add(figures, "call_lost", begun > done ? begun - done : 0,
			 false,
			 "calls of time(2) and times(2) that returned the host's value");
}

/* Is the next row, which stands in for this one, loaded as well? */
static bool is_spare(const struct tnb_program *row)
{
	_cleanup_close_
	int next = -1;

	if (!row || !(row->flags & TNB_SPARE))
		return false;
	next = tnb_pins_get("progs", row[1].name);
	return next >= 0;
}

static int add_program_misses(const char *name, int fd, void *context)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	char figure[80];

	if (is_spare(tnb_catalogue_program(name)) ||
	    bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	snprintf(figure, sizeof(figure), "missed.%s", name);
	return add(context, figure, info.recursion_misses, true,
		   "times that the program was skipped");
}

/*
 * Since 6.7 struct bpf_link_info says how often a probe itself was missed
 * (include/uapi/linux/bpf.h). The headers that we build with may be older.
 */
struct link_info {
	__u32 type, id, prog_id, pad;
	union {
		struct {
			__u64 addresses;
			__u32 count, flags;
			__u64 missed;
		} multi;
		struct {
			__u32 type, pad;
			__u64 name;
			__u32 name_length, offset;
			__u64 address, missed;
		} perf_event;
		char space[256];
	};
};
#define PERF_EVENT_KPROBE 3
#define PERF_EVENT_KRETPROBE 4

static int add_link_misses(const char *name, int fd, void *context)
{
	struct link_info info = { 0 };
	__u32 size = sizeof(info);
	uint64_t missed = 0;
	char figure[80];

	if (bpf_obj_get_info_by_fd(fd, (void *)&info, &size))
		return 0;
	if (info.type == BPF_LINK_TYPE_KPROBE_MULTI)
		missed = info.multi.missed;
	else if (info.type == BPF_LINK_TYPE_PERF_EVENT &&
		 (info.perf_event.type == PERF_EVENT_KPROBE ||
		  info.perf_event.type == PERF_EVENT_KRETPROBE))
		missed = info.perf_event.missed;
	/* A probe of our own has the name of its link. */
	if (!missed && info.type == BPF_LINK_TYPE_PERF_EVENT)
		missed = tnb_probe_missed(name);
	if (!missed)
		return 0;
	snprintf(figure, sizeof(figure), "missed.link.%s", name);
	return add(context, figure, missed, true,
		   "times that the probe itself was skipped");
}

int tnb_figures_load(struct tnb *tnb, struct tnb_figure **figures)
{
	struct figures found = { 0 };
	int err = add_counters(tnb, &found);

	if (!err)
		err = add_starts(tnb, &found);
	if (!err)
		err = add_calls(tnb, &found);
	if (!err)
		err = tnb_pins_for_each("progs", add_program_misses, &found);
	if (!err)
		err = tnb_pins_for_each("links", add_link_misses, &found);
	if (err) {
		tnb_figures_free(&found.all, found.count);
		return err;
	}
	*figures = found.all;
	return (int)found.count;
}

void tnb_figures_free(struct tnb_figure **figures, size_t count)
{
	for (size_t i = 0; *figures && i < count; i++)
		free((*figures)[i].text);
	free(*figures);
	*figures = NULL;
}
