/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm_reader read FILE N: reads by all ways (ways.h), and judges each reading
 * by what storm.c says in FILE of rules and of reader N's place, until the end.
 * storm_reader start FILE N: starts one child after the other, which is
 * storm_reader child FILE: reads once by all ways. It is where it finds itself.
 *   Ends with 0: fast, 1: slow, 2: wrong, 3: outside of all rules. In a slow
 * one the kernel's vDSO shows the host's time.
 *
 * A process that comes from outside may have the host's time at a door until
 * the first reading of the rule's there, for 15 seconds while a loader lives.
 * All system calls are one door here: they change at one instant.
 *
 * time(2) and times(2) may return the host's value at any time, which the
 * loader completes. How often they do is counted, so that storm.bats can
 * compare it with what the kernel's side has counted. Any other value, and the
 * host's by any other door, is wrong.
 */
#define _GNU_SOURCE
#include "storm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAST, SLOW, WRONG, OUTSIDE };
#define DOORS_MAX 64
#define ARRIVAL_NS (15 * NS_PER_S)
#define PAUSE_NS 10000000

extern char **environ;

static struct storm *storm;

/* ---- time(2) and times(2) ---------------------------------------------- */

/* Beside those of ways.h, behind them */
static const struct ways_door calls[] = {
	{ WAY_RAW, "time", RAW_REALTIME, NS_PER_S },
	{ WAY_RAW, "times", RAW_MONOTONIC, STORM_TICK_NS },
};
#define CALLS (sizeof(calls) / sizeof(*calls))

/* The C library, linked statically, has looked for a vDSO when this program
 * began. It found none if that was hidden then. */
static bool libc_time_calls;

static bool is_own(const struct ways_door *door)
{
	return door >= calls && door < calls + CALLS;
}

static bool is_call(const struct ways_door *door)
{
	return is_own(door) || (libc_time_calls && door->way == WAY_LIBC &&
				!strcmp(door->function, "time"));
}

static const struct ways_door *door_at(unsigned int number)
{
	unsigned int others = ways_count();

	if (number < others)
		return ways_door(number);
	return number - others < CALLS ? &calls[number - others] : NULL;
}

static enum ways_result read_door(const struct ways_door *door, int64_t *ns)
{
	if (!is_own(door))
		return ways_read(door, ns);
	if (door->clock == RAW_REALTIME)
		*ns = syscall(SYS_time, NULL) * NS_PER_S;
	else
		*ns = syscall(SYS_times, NULL) * STORM_TICK_NS -
		      storm->times_ahead_ns;
	return WAYS_READ;
}

/* ---- Judging ----------------------------------------------------------- */

/* The first ones. What the value is ahead of each place's tells whose it is. */
static void tell(const char *what, const struct ways_door *door,
		 const struct storm_view *view, int64_t ns, unsigned int places)
{
	static int told_of;

	if (told_of++ >= 20)
		return;
	fprintf(stderr,
		"storm_reader %d: %s: %s %s %d: %" PRId64
		", places %#x, ahead of all by",
		getpid(), what, ways_name(door->way), door->function,
		door->clock, ns, places);
	for (int place = 0; place < STORM_PLACES; place++)
		fprintf(stderr, " %" PRId64,
			storm_ahead(storm, view, door, ns, place));
	fprintf(stderr, " ns, read in %.0f ns\n",
		(double)(storm_ticks() - view->tsc) * storm->ns_per_tick);
}

/* The places, of those given, whose time it is */
static unsigned int fitting(const struct storm_view *view,
			    const struct ways_door *door, int64_t ns,
			    unsigned int places)
{
	unsigned int fits = 0;

	for (int place = 0; place < STORM_PLACES; place++)
		if (places & 1u << place &&
		    storm_fits(storm, view, door, ns, place))
			fits |= 1u << place;
	return fits;
}

/* Of a value that is none of the reader's places' */
static bool is_host_of_call(const struct storm_view *view,
			    const struct ways_door *door, int64_t ns)
{
	if (!is_call(door) || !storm_fits(storm, view, door, ns, STORM_OUTSIDE))
		return false;
	storm_count(storm, STORM_CALLS_HOST);
	return true;
}

/* ---- Readers that live on ---------------------------------------------- */

static struct reader {
	uint64_t *where_now, where;
	/* It came from outside: since, and at which doors nothing else was seen
	 */
	uint64_t arrival_tsc;
	uint32_t phase;
	bool arriving[DOORS_MAX]; /* that of all system calls: CALLS_ARRIVE */
	int64_t last[RAW_CLOCKS];
} reader;
#define CALLS_ARRIVE (DOORS_MAX - 1)

static bool *arriving(unsigned int number, const struct ways_door *door)
{
	if (door->way == WAY_RAW || is_call(door))
		number = CALLS_ARRIVE;
	return &reader.arriving[number];
}

static void note_place(uint64_t where)
{
	const unsigned int outside = 1u << STORM_OUTSIDE;
	bool missed = storm_turn(where) - storm_turn(reader.where) > 1;

	if (where != reader.where &&
	    (missed ||
	     (storm_places(where) | storm_places(reader.where)) & outside)) {
		memset(reader.arriving, true, sizeof(reader.arriving));
		reader.arrival_tsc = storm_ticks();
	}
	reader.where = where;
	/* The time starts again with another loader. */
	if (storm_load(&storm->phase) != reader.phase) {
		reader.phase = storm_load(&storm->phase);
		reader.arrival_tsc = storm_ticks();
	}
}

static bool may_arrive(void)
{
	return reader.phase & 1 ||
	       (double)(storm_ticks() - reader.arrival_tsc) *
			       storm->ns_per_tick <
		       ARRIVAL_NS;
}

static void check_order(const struct ways_door *door,
			const struct storm_view *view, int64_t ns)
{
	int64_t *last = &reader.last[door->clock];

	/* Of one that is never moved. */
	if (door->unit_ns > 1 || storm_turn(reader.where))
		return;
	if (ns < *last) {
		storm_count(storm, STORM_BACKWARD);
		tell("before backward", door, view, *last, 0);
		tell("backward", door, view, ns, 0);
	}
	*last = ns;
}

static void judge(unsigned int number, const struct ways_door *door,
		  const struct storm_view *view, int64_t ns,
		  unsigned int places)
{
	unsigned int fits = fitting(view, door, ns, places);
	bool *arrives = arriving(number, door);

	if (fits & ~(1u << STORM_OUTSIDE))
		*arrives = false;
	if (fits) {
		check_order(door, view, ns);
	} else if (*arrives &&
		   storm_fits(storm, view, door, ns, STORM_OUTSIDE)) {
		storm_count(storm, may_arrive() ? STORM_ARRIVING : STORM_LATE);
		if (!may_arrive())
			tell("late", door, view, ns, places);
	} else if (!is_host_of_call(view, door, ns)) {
		storm_count(storm, STORM_WRONG);
		tell("wrong", door, view, ns, places);
	}
}

static void read_one(unsigned int number, const struct ways_door *door)
{
	struct storm_view view;
	unsigned int places;
	uint64_t begin, end;
	int64_t ns = 0;

	begin = storm_load(reader.where_now);
	note_place(begin);
	storm_look(storm, &view);
	if (read_door(door, &ns) != WAYS_READ)
		return;
	end = storm_load(reader.where_now);
	places = storm_places(begin) | storm_places(end);
	if (storm_turn(end) - storm_turn(begin) > 1) {
		storm_count(storm, STORM_UNSURE);
		return;
	}
	storm_count(storm, STORM_READINGS);
	if (is_call(door))
		storm_count(storm, STORM_CALLS);
	judge(number, door, &view, ns, places);
}

static void read_on(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const struct ways_door *door;

	ways_begin(environ);
	while (!storm_load(&storm->ended)) {
		for (unsigned int i = 0; (door = door_at(i)); i++)
			read_one(i, door);
		nanosleep(&pause, NULL);
	}
}

/* ---- Programs that start ----------------------------------------------- */

/* The place of this process, of the version 2 hierarchy */
static unsigned int own_place(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	unsigned int places = 1u << STORM_OUTSIDE;
	char line[256] = "";

	if (!file || !fgets(line, sizeof(line), file))
		exit(WRONG);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	for (int place = STORM_FIRST; place < STORM_PLACES; place++)
		if (!strcmp(storm->place[place].cgroup + strlen(STORM_CGROUPS),
			    line + strlen("0::")))
			places = 1u << place;
	return places;
}

/* Of a program that was given no image: a way that leads to the kernel's vDSO
 * leads to the host's time, as `timensbpf show` says of it. */
static bool may_be_hosts(const struct ways_door *door)
{
	return door->way == VDSO_BY_PROC_AUXV || door->way == VDSO_BY_PRCTL ||
	       door->way == VDSO_BY_MAPPING;
}

static int read_once(void)
{
	const struct ways_door *door;
	struct storm_view view[DOORS_MAX];
	int64_t ns[DOORS_MAX] = { 0 };
	enum ways_result result[DOORS_MAX];
	unsigned int places = own_place();
	int verdict = FAST;

	for (unsigned int i = 0; (door = door_at(i)); i++) {
		storm_look(storm, &view[i]);
		result[i] = read_door(door, &ns[i]);
	}
	places |= own_place();
	if (places == 1u << STORM_OUTSIDE)
		verdict = OUTSIDE;
	for (unsigned int i = 0; (door = door_at(i)); i++) {
		if (result[i] == WAYS_ABSENT && verdict == FAST) {
			verdict = SLOW;
		} else if (result[i] == WAYS_READ &&
			   !fitting(&view[i], door, ns[i], places) &&
			   !(verdict == SLOW && may_be_hosts(door) &&
			     storm_fits(storm, &view[i], door, ns[i],
					STORM_OUTSIDE)) &&
			   !is_host_of_call(&view[i], door, ns[i])) {
			tell("wrong start", door, &view[i], ns[i], places);
			return WRONG;
		}
	}
	return verdict;
}

static volatile sig_atomic_t told; /* SIGCHLD without an end */

static void child_changed(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code != CLD_EXITED && info->si_code != CLD_KILLED &&
	    info->si_code != CLD_DUMPED)
		told++;
}

static void note_start(int status, uint32_t before, uint32_t after)
{
	int verdict = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	bool lived = before == after && !(before & 1);

	if (verdict == OUTSIDE) {
		storm_count(storm, STORM_OUTSIDE_STARTS);
	} else if (verdict == WRONG) {
		storm_count(storm, STORM_WRONG);
	} else if (verdict != FAST && verdict != SLOW) {
		storm_count(storm, STORM_DIED);
		fprintf(stderr, "storm_reader: status %#x\n", status);
	} else if (!lived) {
		storm_count(storm, STORM_ALONE);
		if (verdict == SLOW)
			storm_count(storm, STORM_ALONE_SLOW);
	} else if (verdict == FAST) {
		storm_count(storm, STORM_FAST);
	} else {
		__atomic_add_fetch(&storm->missed[before % STORM_PHASES], 1,
				   __ATOMIC_SEQ_CST);
		fprintf(stderr, "storm_reader: missed in phase %u\n", before);
	}
}

static void start_one(const char *file)
{
	uint32_t before = storm_load(&storm->phase);
	int status = 0;
	pid_t pid;

	told = 0;
	pid = vfork();
	if (!pid) {
		execl("/proc/self/exe", "storm_reader", "child", file, NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid &&
	       (WIFSTOPPED(status) || WIFCONTINUED(status)))
		storm_count(storm, STORM_STOPPED);
	if (told)
		storm_count(storm, STORM_STOPPED);
	note_start(status, before, storm_load(&storm->phase));
}

static void start_on(const char *file)
{
	struct sigaction action = { .sa_sigaction = child_changed,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	sigaction(SIGCHLD, &action, NULL);
	while (!storm_load(&storm->ended))
		start_one(file);
}

int main(int argc, char **argv)
{
	int number = argc > 3 ? atoi(argv[3]) : 0;

	if (argc < 3 || number < 0 || number >= STORM_READERS)
		return 127;
	storm = storm_open(argv[2], false);
	if (!storm)
		return 127;
	libc_time_calls = !getauxval(AT_SYSINFO_EHDR);
	if (!strcmp(argv[1], "child")) {
		ways_begin(environ);
		return read_once();
	}
	reader.where_now = &storm->where[number];
	reader.where = storm_load(reader.where_now);
	if (!strcmp(argv[1], "start"))
		start_on(argv[2]);
	else
		read_on();
	return 0;
}
