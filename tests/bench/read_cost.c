/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_read_cost [--quick] [--json]: what the clock costs with and without
 * the programs, in a virtual cgroup and out of it. Asserts nothing about speed;
 * fails if it could not measure, or measured what was not virtual.
 *
 * For a machine that may be thrown away: ends all rules that there are.
 *
 * Method. One worker outside and one inside a virtual cgroup take turns on one
 * CPU, all kinds of call in each round; a round begins with a yardstick, a
 * system call that no program looks at, and each time of the round is kept as
 * a multiple of it. Loading and unloading cannot be done within a round, so
 * the states of the machine follow one another several times in one boot. The
 * result is the median of all multiples of a state, times the median yardstick
 * of the whole run: what slows the machine down for a while cancels. Starts of
 * programs are too long for that: of them it is the lower quartile of the times
 * themselves. A sleep is as long on a slow machine: of them it is the median of
 * the times themselves.
 */
#define _GNU_SOURCE
#include "bpf_path.h"
#include "report.h"
#include "turns.h"

#include "../../cli/own_loader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define OWN_CGROUP CGROUPS "/tnbbench"
#define MANY_PARENT CGROUPS "/tnbbench-many"
#define DAY_NS (86400 * 1000000000LL)

static const char *const attach_name[] = {
	[TNB_ATTACH_AUTO] = "auto",
	[TNB_ATTACH_FEXIT] = "fexit",
	[TNB_ATTACH_SESSION] = "session",
	[TNB_ATTACH_KRETPROBE] = "kretprobe",
};

/* States of the machine; those of the attachments are numbered as they. */
enum state {
	UNLOADED = TNB_ATTACH_AUTO,
	MANY_FIRST = TNB_ATTACH_KRETPROBE + 1,
};

#define MANY 3
#define SERVED (MANY_FIRST + MANY) /* a loader makes what starts fast */
#define STATES (SERVED + 1)

enum place { OUTSIDE, INSIDE, PLACES };

struct effort {
	int cycles, rounds; /* rounds of each state in each cycle */
	int rounds_per_spawn;
	int timed_turns; /* with the kernel's own statistics */
	int many_rules[MANY];
};

static const struct effort full_effort = { 3, 200, 5, 100, { 1, 1000, 10000 } };
static const struct effort quick_effort = { 1, 15, 5, 10, { 1, 10, 100 } };

/* Of which the warm-up of a turn is a small part. */
#define TIMED_CALLS 2000

struct bpf_cost {
	bool known;
	struct bpf_path path[PLACES];
	double runs[PLACES], ns[PLACES]; /* of one call */
};

static struct bench {
	const struct effort *effort;
	struct worker worker[PLACES];
	struct samples multiple[STATES][PLACES][OPS], yardstick;
	double yardstick_ns;
	bool is_virtual[STATES][OPS];
	bool missing[MANY_FIRST]; /* attachments that do not work here */
	struct bpf_cost bpf[MANY_FIRST];
	enum tnb_read_attach automatic;
	double ms_per_rule;
	uint64_t starts, fast_starts; /* while SERVED */
} bench;

static void progress(const char *state)
{
	fprintf(stderr, "bench_read_cost: %s\n", state);
}

/* ---- Measuring a state ------------------------------------------------- */

/* A start of a program lasts longer than what disturbs the machine: the
 * yardstick before it tells nothing about it. */
static bool has_unit(enum op op)
{
	return op_kind(op) != IS_START && op_kind(op) != IS_SLEEP;
}

static bool has_waits(enum state state)
{
	return state == UNLOADED || state == (enum state)bench.automatic;
}

static bool is_faster_if_served(enum op op)
{
	return op == OP_LIBC_MONOTONIC || op == OP_LIBC_REALTIME;
}

static bool is_due(enum op op, enum state state, int round)
{
	if (state == SERVED && op_kind(op) == IS_READ)
		return is_faster_if_served(op);
	switch (op_kind(op)) {
	case IS_YARDSTICK:
		return false;
	case IS_START:
		return round % bench.effort->rounds_per_spawn == 0;
	case IS_SLEEP:
	case IS_WAIT:
		return has_waits(state);
	default:
		return true;
	}
}

static void measure_op(enum op op, enum state state, int place,
		       double yardstick)
{
	double ns = worker_time(&bench.worker[place], op);

	samples_add(&bench.multiple[state][place][op],
		    has_unit(op) ? ns / yardstick : ns);
}

static void measure_round(enum state state, int round)
{
	for (int place = 0; place < PLACES; place++) {
		const struct worker *worker = &bench.worker[place];
		double yardstick;

		if (!worker->pid)
			continue;
		yardstick = worker_time(worker, OP_YARDSTICK);
		samples_add(&bench.yardstick, yardstick);
		for (int op = 0; op < OPS; op++)
			if (is_due((enum op)op, state, round))
				measure_op((enum op)op, state, place,
					   yardstick);
	}
}

static void measure(enum state state)
{
	/* The first round after a change of the machine is a warm-up. */
	for (int place = 0; place < PLACES; place++)
		for (int op = 0; bench.worker[place].pid && op < OPS; op++)
			if (is_due((enum op)op, state, 0))
				worker_time(&bench.worker[place], (enum op)op);
	for (int i = 0; i < bench.effort->rounds; i++)
		measure_round(state, i);
}

/* Which calls show the rule's time: a ratio of others would mislead. */
static void check_virtual(enum state state)
{
	for (int i = 0; i < OPS; i++) {
		enum op op = (enum op)i;
		int64_t inside, host;

		if (op_kind(op) != IS_READ)
			continue;
		inside = worker_ask(&bench.worker[INSIDE], op, 1).value;
		host = worker_ask(&bench.worker[OUTSIDE], op, 1).value;
		bench.is_virtual[state][i] = inside - host > DAY_NS / 2;
	}
	if (!bench.is_virtual[state][OP_RAW_MONOTONIC] ||
	    !bench.is_virtual[state][OP_RAW_REALTIME])
		die("reads inside are not virtual: nothing to measure");
}

static void check_wait(enum op op, enum place place)
{
	int64_t late = worker_ask(&bench.worker[place], op, 1).value;

	if (late < 0 || late > DAY_NS / 2)
		die("%s, %s: it ends %lld ns after its deadline", op_label[op],
		    place == INSIDE ? "inside" : "outside", (long long)late);
}

static void check_waits(enum state state)
{
	for (int op = 0; op < OPS; op++)
		if (has_waits(state) && is_wait((enum op)op))
			for (int place = 0; place < PLACES; place++)
				check_wait((enum op)op, (enum place)place);
}

/* ---- Rules ------------------------------------------------------------- */

static void make_directory(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die("%s: %s", path, strerror(errno));
}

static struct tnb *open_loaded(void)
{
	struct tnb *tnb;

	if (tnb_open(&tnb))
		die("%s", tnb_error_message());
	return tnb;
}

static void set_rule(struct tnb *tnb, const char *cgroup)
{
	static const struct tnb_clock_settings settings = {
		.size = sizeof(settings),
		.clock = { { .how = TNB_SET_OFFSET, .ns = 3 * DAY_NS },
			   { .how = TNB_SET_OFFSET, .ns = 2 * DAY_NS },
			   { .how = TNB_SET_OFFSET, .ns = DAY_NS } },
	};

	make_directory(cgroup);
	if (tnb_rule_set(tnb, cgroup, &settings, 0, NULL))
		die("%s: %s", cgroup, tnb_error_message());
}

/*
 * In a process of its own, as a command does it: whatever a process that lives
 * on would keep open cannot keep a program attached into the next state.
 */
static bool in_child(int (*call)(int argument), int argument)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(call(argument) < 0 ? 1 : 0);
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("fork, waitpid: %s", strerror(errno));
	return !status;
}

static int load_here(int attach)
{
	int err = tnb_load((enum tnb_read_attach)attach);

	if (err < 0)
		fprintf(stderr, "bench_read_cost: %s\n", tnb_error_message());
	return err;
}

static int unload_here(int flags)
{
	int err = tnb_unload((unsigned int)flags);

	if (err)
		fprintf(stderr, "bench_read_cost: %s\n", tnb_error_message());
	return err;
}

static bool load(enum tnb_read_attach attach)
{
	return in_child(load_here, attach);
}

static void load_automatic(void)
{
	if (!load(TNB_ATTACH_AUTO))
		die("the programs cannot be loaded");
}

static void unload(void)
{
	if (!in_child(unload_here, TNB_FORCE))
		die("the programs cannot be unloaded");
}

/* ---- States ------------------------------------------------------------ */

static void measure_inside(enum state state, const char *cgroup)
{
	worker_start(&bench.worker[INSIDE], cgroup);
	check_virtual(state);
	measure(state);
	worker_stop(&bench.worker[INSIDE]);
}

static void time_program(enum tnb_read_attach attach, enum place place)
{
	struct bpf_cost *cost = &bench.bpf[attach];
	struct samples ns = { 0 };
	double runs = 0;

	for (int i = 0; i < bench.effort->timed_turns; i++) {
		struct bpf_time begin, end;

		begin = bpf_time_of_read(attach_name[attach]);
		worker_ask(&bench.worker[place], OP_RAW_REALTIME, TIMED_CALLS);
		end = bpf_time_of_read(attach_name[attach]);
		runs += (double)(end.runs - begin.runs);
		samples_add(&ns, (double)(end.ns - begin.ns) / TIMED_CALLS);
	}
	cost->runs[place] = runs / bench.effort->timed_turns / TIMED_CALLS;
	cost->ns[place] = samples_median(&ns);
	free(ns.value);
}

static void look_into_programs(enum tnb_read_attach attach)
{
	struct bpf_cost *cost = &bench.bpf[attach];
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		die("bpf_enable_stats: %s", strerror(errno));
	for (int place = 0; place < PLACES; place++) {
		time_program(attach, (enum place)place);
		cost->path[place] =
			bpf_path_of_read(attach_name[attach], place == INSIDE);
	}
	cost->known = true;
	close(fd);
}

static void measure_attachment(enum tnb_read_attach attach)
{
	struct tnb *tnb;

	if (bench.missing[attach])
		return;
	progress(attach_name[attach]);
	if (!load(attach)) {
		bench.missing[attach] = true;
		return;
	}
	tnb = open_loaded();
	set_rule(tnb, OWN_CGROUP);
	worker_start(&bench.worker[INSIDE], OWN_CGROUP);
	check_virtual((enum state)attach);
	check_waits((enum state)attach);
	measure((enum state)attach);
	if (!bench.bpf[attach].known)
		look_into_programs(attach);
	worker_stop(&bench.worker[INSIDE]);
	tnb_close(&tnb);
	unload();
}

/* With a second worker here too, so that turns follow one another alike. */
static void measure_unloaded(void)
{
	progress("not loaded");
	worker_start(&bench.worker[INSIDE], OWN_CGROUP);
	measure(UNLOADED);
	worker_stop(&bench.worker[INSIDE]);
}

static void many_path(char path[128], int number)
{
	snprintf(path, 128, MANY_PARENT "/%d", number);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct own_loader start_loader(void)
{
	struct own_loader loader = own_loader_start();

	if (!loader.pid)
		die("no loader: %s", loader.reason);
	return loader;
}

/* The reader is in the last of them, where its C library is fast. */
static void measure_many(void)
{
	double begin = now_ms();
	struct own_loader loader;
	struct tnb *tnb;
	char path[128];
	int made = 0;

	load_automatic();
	tnb = open_loaded();
	loader = start_loader();
	make_directory(MANY_PARENT);
	for (int i = 0; i < MANY; i++) {
		while (made < bench.effort->many_rules[i]) {
			many_path(path, ++made);
			set_rule(tnb, path);
		}
		snprintf(path, sizeof(path), "%d rules", made);
		progress(path);
		many_path(path, made);
		measure_inside((enum state)(MANY_FIRST + i), path);
	}
	bench.ms_per_rule = (now_ms() - begin) / made;
	own_loader_stop(&loader);
	tnb_close(&tnb);
	unload();
}

/* One rule once more, beside as many cgroups: before and after. */
static void measure_one_again(void)
{
	struct own_loader loader;
	struct tnb *tnb;
	char path[128];

	load_automatic();
	tnb = open_loaded();
	loader = start_loader();
	many_path(path, 1);
	set_rule(tnb, path);
	progress("1 rule again");
	measure_inside(MANY_FIRST, path);
	own_loader_stop(&loader);
	tnb_close(&tnb);
	unload();
}

static void count_starts(struct tnb *tnb, uint64_t *all, uint64_t *fast)
{
	struct tnb_figure *figures;
	int count = tnb_figures_load(tnb, &figures);

	if (count < 0)
		die("%s", tnb_error_message());
	*all = *fast = 0;
	for (int i = 0; i < count; i++) {
		if (!strcmp(figures[i].name, "start_fast"))
			*fast += figures[i].value;
		if (!strncmp(figures[i].name, "start_", 6))
			*all += figures[i].value;
	}
	tnb_figures_free(&figures, (size_t)count);
}

static void measure_served(void)
{
	uint64_t all[2], fast[2];
	struct own_loader loader;
	struct tnb *tnb;

	progress("with a loader");
	load_automatic();
	tnb = open_loaded();
	set_rule(tnb, OWN_CGROUP);
	loader = start_loader();
	count_starts(tnb, &all[0], &fast[0]);
	measure_inside(SERVED, OWN_CGROUP);
	count_starts(tnb, &all[1], &fast[1]);
	bench.starts += all[1] - all[0];
	bench.fast_starts += fast[1] - fast[0];
	own_loader_stop(&loader);
	tnb_close(&tnb);
	unload();
}

static void find_automatic(void)
{
	struct tnb *tnb;
	const char *name;

	load_automatic();
	tnb = open_loaded();
	name = tnb_loaded_attach(tnb);
	for (int i = TNB_ATTACH_FEXIT; i <= TNB_ATTACH_KRETPROBE; i++)
		if (!strcmp(name, attach_name[i]))
			bench.automatic = (enum tnb_read_attach)i;
	tnb_close(&tnb);
	unload();
}

static void measure_all(void)
{
	unload();
	find_automatic();
	worker_start(&bench.worker[OUTSIDE], NULL);
	make_directory(OWN_CGROUP);
	for (int i = 0; i < bench.effort->cycles; i++) {
		measure_unloaded();
		for (int a = TNB_ATTACH_FEXIT; a <= TNB_ATTACH_KRETPROBE; a++)
			measure_attachment((enum tnb_read_attach)a);
		measure_served();
	}
	measure_unloaded();
	measure_many();
	measure_one_again();
	worker_stop(&bench.worker[OUTSIDE]);
	bench.yardstick_ns = samples_median(&bench.yardstick);
}

/* ---- Report ------------------------------------------------------------ */

static double result(enum state state, enum place place, enum op op)
{
	struct samples *samples = &bench.multiple[state][place][op];

	/* Half of the starts may be disturbed. */
	if (op_kind(op) == IS_START)
		return samples_quantile(samples, 0.25);
	return samples_median(samples) *
	       (has_unit(op) ? bench.yardstick_ns : 1);
}

static void report_op(enum op op)
{
	enum state loaded = (enum state)bench.automatic;
	double bare = result(UNLOADED, OUTSIDE, op);
	char label[96];

	snprintf(label, sizeof(label), "%s, not loaded", op_label[op]);
	report_time(REPORT_BRIEF, label, bare, NAN);
	snprintf(label, sizeof(label), "%s, loaded, outside", op_label[op]);
	report_time(REPORT_BRIEF, label, result(loaded, OUTSIDE, op), bare);
	snprintf(label, sizeof(label), "%s, inside%s", op_label[op],
		 op_kind(op) != IS_READ || bench.is_virtual[loaded][op]
			 ? ""
			 : " (the host's time)");
	report_time(REPORT_BRIEF, label, result(loaded, INSIDE, op), bare);
	snprintf(label, sizeof(label), "%s, inside, with a loader",
		 op_label[op]);
	report_time(REPORT_BRIEF, label, result(SERVED, INSIDE, op), bare);
}

static void report_attachment(enum tnb_read_attach attach)
{
	double bare = result(UNLOADED, OUTSIDE, OP_RAW_MONOTONIC);
	char label[96];

	for (int place = 0; place < PLACES; place++) {
		double ns = result((enum state)attach, (enum place)place,
				   OP_RAW_MONOTONIC);

		snprintf(label, sizeof(label), "%s, %s", attach_name[attach],
			 place == INSIDE ? "inside" : "outside");
		report_time(REPORT_BRIEF, label, ns, bare);
		if (!isnan(ns) && attach == bench.automatic)
			report_mark();
	}
}

static void report_many(enum place place, enum op op, const char *suffix)
{
	double one = result(MANY_FIRST, place, op);
	char label[96];

	for (int i = 0; i < MANY; i++) {
		enum state state = (enum state)(MANY_FIRST + i);

		snprintf(label, sizeof(label), "%d virtual cgroup%s, %s%s",
			 bench.effort->many_rules[i], i ? "s" : "",
			 place == INSIDE ? "inside" : "outside", suffix);
		report_time(REPORT_BRIEF, label, result(state, place, op),
			    i ? one : NAN);
	}
}

static void report_bpf(enum tnb_read_attach attach)
{
	const struct bpf_cost *cost = &bench.bpf[attach];
	char label[96];

	for (int place = 0; cost->known && place < PLACES; place++) {
		const char *where = place == INSIDE ? "inside" : "outside";

		snprintf(label, sizeof(label), "BPF instructions, %s, %s",
			 attach_name[attach], where);
		report_text(REPORT_BRIEF, label, "%u, helper calls %u",
			    cost->path[place].instructions,
			    cost->path[place].calls);
		snprintf(label, sizeof(label), "time in the program, %s, %s",
			 attach_name[attach], where);
		report_text(REPORT_DETAIL, label, "%.0f ns a call, %.2f runs",
			    cost->ns[place], cost->runs[place]);
	}
}

static void report_notes(void)
{
	report_note("Times are medians of turns as multiples of a yardstick "
		    "call in the same round, those of starts the lower "
		    "quartile, those of sleeps the median of the times "
		    "themselves; ratio and difference are to the line of the "
		    "same call with nothing loaded, for 'virtual cgroups' to "
		    "one cgroup. * marks what --attach auto chooses on this "
		    "kernel.");
	report_note("BPF instructions: the programs as the kernel translated "
		    "them, along the path of a successful raw "
		    "clock_gettime(CLOCK_REALTIME), tail call and both halves "
		    "of a session included, the insides of helpers, "
		    "trampoline and probe not (tests/bench/bpf_path.h). Time "
		    "in the program: median of turns by "
		    "kernel.bpf_stats_enabled, whose own two clock reads are "
		    "in it.");
}

static void report_all(void)
{
	report_section("Raw clock_gettime(MONOTONIC) by attachment");
	report_time(REPORT_BRIEF, "raw getppid, the yardstick",
		    bench.yardstick_ns, NAN);
	report_time(REPORT_BRIEF, "not loaded",
		    result(UNLOADED, OUTSIDE, OP_RAW_MONOTONIC), NAN);
	for (int i = TNB_ATTACH_FEXIT; i <= TNB_ATTACH_KRETPROBE; i++)
		report_attachment((enum tnb_read_attach)i);
	report_section("Calls, with the attachment that auto chooses");
	for (int op = OP_RAW_REALTIME; op <= OP_SPAWN; op++)
		report_op((enum op)op);
	report_text(REPORT_BRIEF, "starts with a loader that were fast",
		    "%llu of %llu", (unsigned long long)bench.fast_starts,
		    (unsigned long long)bench.starts);
	report_section("Waits on MONOTONIC, with the same attachment");
	for (int op = OP_SPAWN + 1; op < OPS; op++)
		report_op((enum op)op);
	report_section(
		"clock_gettime(MONOTONIC) beside many rules, raw unless said");
	report_many(INSIDE, OP_RAW_MONOTONIC, "");
	report_many(OUTSIDE, OP_RAW_MONOTONIC, "");
	report_many(INSIDE, OP_LIBC_MONOTONIC, ", libc with a loader");
	report_text(REPORT_DETAIL, "making a cgroup with its rule", "%.2f ms",
		    bench.ms_per_rule);
	report_section("In the programs");
	for (int i = TNB_ATTACH_FEXIT; i <= TNB_ATTACH_KRETPROBE; i++)
		report_bpf((enum tnb_read_attach)i);
	report_notes();
}

int main(int argc, char **argv)
{
	bool json = false;

	bench.effort = &full_effort;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			bench.effort = &quick_effort;
		} else if (!strcmp(argv[i], "--json")) {
			json = true;
		} else {
			fputs("Usage: bench_read_cost [--quick] [--json]\n",
			      stderr);
			return 2;
		}
	}
	pin_to_one_cpu();
	measure_all();
	report_all();
	report_print(json);
	return 0;
}
