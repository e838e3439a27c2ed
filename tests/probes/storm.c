/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm SECONDS FILE LOG OUTSIDE FIRST SECOND: a storm over three cgroups. The
 * last two get rules. In all of them storm_reader reads and starts programs;
 * some are moved about; rules step forward; and the loader, started here as a
 * service manager would (its messages go to LOG), is killed or stopped again
 * and again. FILE is what all share (storm.h). SECONDS may be followed by a
 * comma and a seed.
 *
 * Prints one line of JSON with what storm.h counts; how often something was
 * done; and how much the figures of lost deadlines, lost reads and slow starts
 * grew while a loader lived. Such a phase begins when it says that it serves
 * and ends before it is killed or stopped; a start that overlaps anything else
 * is not "missed" but "alone". What was lost in a phase in which the machine
 * stood still is told by itself, with "still_" before its name: a loader that
 * gets no CPU comes too late.
 */
#define _GNU_SOURCE
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBES "/usr/local/lib/timensbpf/probes/"
#define LOADER "timensbpfd"
#define MS 1000000L
/* However slow the machine is, the loader is killed and stopped. */
#define LEAST_TURNS 3

static struct storm *storm;
static const char *file, *log_path;
static unsigned int seed;
static pid_t loader;
/* How often it was killed or stopped, and served again */
static unsigned int turns;
/* What was done */
static unsigned long moves, sets, sets_failed, sets_interrupted, kills, stops,
	stop_deaths, restarts, ended_alone;

/* Of readers: where each begins, what it does, and whether it is moved */
static const struct {
	int place;
	bool starts, moves;
} readers[] = {
	{ STORM_FIRST, false, false },	{ STORM_SECOND, false, false },
	{ STORM_FIRST, true, false },	{ STORM_FIRST, true, false },
	{ STORM_SECOND, true, false },	{ STORM_SECOND, true, false },
	{ STORM_FIRST, false, true },	{ STORM_SECOND, false, true },
	{ STORM_OUTSIDE, false, true }, { STORM_FIRST, true, true },
	{ STORM_OUTSIDE, true, true },
};
#define READERS (sizeof(readers) / sizeof(*readers))
static pid_t pids[READERS];

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pause_ns(long ns)
{
	const struct timespec length = { ns / NS_PER_S, ns % NS_PER_S };

	nanosleep(&length, NULL);
}

/* Some time up to `ms`, shorter at the end of all */
static void pause_up_to(unsigned int *random, long ms)
{
	for (long left = rand_r(random) % ms; left > 0; left -= 20)
		if (!storm_load(&storm->ended))
			pause_ns((left < 20 ? left : 20) * MS);
}

/* ---- The host's clocks ------------------------------------------------- */

/* A value of each clock and of the counter, from the same moment as nearly as
 * the machine gave time for in some tries. */
static uint64_t sample(int64_t host_ns[STORM_FAMILIES])
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
				      CLOCK_BOOTTIME };
	uint64_t best = UINT64_MAX, at = 0;

	for (int try = 0; try < 200; try++) {
		struct timespec now[STORM_FAMILIES];
		uint64_t begin = storm_ticks(), end;

		for (int i = 0; i < STORM_FAMILIES; i++)
			clock_gettime(clocks[i], &now[i]);
		end = storm_ticks();
		if (end - begin >= best)
			continue;
		best = end - begin;
		at = begin + best / 2;
		for (int i = 0; i < STORM_FAMILIES; i++)
			host_ns[i] = now[i].tv_sec * NS_PER_S + now[i].tv_nsec;
	}
	return at;
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void measure_clocks(void)
{
	int64_t first[STORM_FAMILIES], last[STORM_FAMILIES];
	uint64_t begin = sample(first), end;

	pause_ns(NS_PER_S);
	end = sample(last);
	storm->tsc = end;
	storm->ns_per_tick =
		(double)(last[1] - first[1]) / (double)(end - begin);
	memcpy(storm->host_ns, last, sizeof(last));
	storm->times_ahead_ns =
		syscall(SYS_times, NULL) * STORM_TICK_NS - monotonic_ns();
}

/* ---- The command ------------------------------------------------------- */

static char *shown;

/* All that `show --json` says; the last one's is freed. */
static const char *show(void)
{
	FILE *pipe = popen("timensbpf show --json", "re");
	size_t size = 0;

	free(shown);
	shown = NULL;
	if (!pipe || getdelim(&shown, &size, '\0', pipe) < 0)
		die("timensbpf show");
	pclose(pipe);
	return shown;
}

/* The sum of all figures whose name begins so */
static uint64_t figures(const char *text, const char *name)
{
	char wanted[64];
	uint64_t sum = 0;

	snprintf(wanted, sizeof(wanted), "\"name\": \"%s", name);
	while ((text = strstr(text, wanted))) {
		text = strstr(text, "\"value\": ");
		if (!text)
			break;
		text += strlen("\"value\": ");
		sum += strtoull(text, NULL, 10);
	}
	return sum;
}

/* The last ones tell why one of the others was lost, or slow. */
static const char *const watched[] = {
	"deadline_lost",      "deadline_stuck",	    "read_lost",
	"start_slow.",	      "start_slow.missed",  "start_slow.late",
	"start_slow.timeout", "start_slow.refused", "start_slow.busy",
	"loader_hung",	      "memory_late",	    "memory_busy",
	"missed.deadline",
};
#define WATCHED (sizeof(watched) / sizeof(*watched))
static uint64_t at_begin[WATCHED], grown[WATCHED], grown_still[WATCHED];

static void figures_begin(void)
{
	const char *text = show();

	for (size_t i = 0; i < WATCHED; i++)
		at_begin[i] = figures(text, watched[i]);
}

static void figures_end(bool is_still)
{
	uint64_t *sum = is_still ? grown_still : grown;
	const char *text = show();

	for (size_t i = 0; i < WATCHED; i++) {
		uint64_t more = figures(text, watched[i]) - at_begin[i];

		if (more)
			fprintf(stderr, "storm: %s: %" PRIu64 "%s\n",
				watched[i], more,
				is_still ? ", the machine stood still" : "");
		sum[i] += more;
	}
}

/* ---- Does the machine stand still? ------------------------------------- */

/* So late comes a thread of a higher priority than the loader's only if the
 * machine does not run its CPU, or if a thread is held there. */
#define LATE_NS (50 * MS)
#define BEAT_NS (5 * MS)
#define CPUS_MAX 16

static struct beat {
	uint64_t number;
	int64_t latest_ns; /* of this phase */
} beats[CPUS_MAX];
static unsigned int cpus;
/* By phase */
static bool stood_still[STORM_PHASES];

static void *beat_on(void *argument)
{
	struct beat *beat = argument;
	const struct sched_param param = { .sched_priority = 3 };
	cpu_set_t own;

	CPU_ZERO(&own);
	CPU_SET(beat - beats, &own);
	if (sched_setaffinity(0, sizeof(own), &own) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		die("beat");
	for (;;) {
		int64_t begin = monotonic_ns(), late;

		pause_ns(BEAT_NS);
		late = monotonic_ns() - begin - BEAT_NS;
		if (late > storm_load(&beat->latest_ns))
			storm_store(&beat->latest_ns, late);
		storm_store(&beat->number, beat->number + 1);
	}
	return NULL;
}

static void beats_begin(void)
{
	pthread_t thread;

	cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus > CPUS_MAX)
		cpus = CPUS_MAX;
	for (unsigned int i = 0; i < cpus; i++)
		if (pthread_create(&thread, NULL, beat_on, &beats[i]))
			die("thread");
}

/* Since the last time, one that has not been noted yet included */
static int64_t latest_beat(void)
{
	int64_t latest = 0;

	for (unsigned int i = 0; i < cpus; i++) {
		uint64_t number = storm_load(&beats[i].number);
		int64_t own;

		while (storm_load(&beats[i].number) < number + 2)
			pause_ns(BEAT_NS);
		own = __atomic_exchange_n(&beats[i].latest_ns, 0,
					  __ATOMIC_SEQ_CST);
		latest = own > latest ? own : latest;
	}
	return latest;
}

static bool set(int number, uint32_t step)
{
	static const char *const names[] = { "realtime", "monotonic",
					     "boottime" };
	struct storm_place *place = &storm->place[number];
	char command[512];
	int length = snprintf(command, sizeof(command),
			      "timensbpf set --cgroup %s", place->cgroup);

	for (int i = 0; i < STORM_FAMILIES; i++)
		length += snprintf(command + length,
				   sizeof(command) - (size_t)length,
				   " --%s +%lldns", names[i],
				   place->base_ns[i] + step * STORM_STEP_NS);
	snprintf(command + length, sizeof(command) - (size_t)length,
		 " >/dev/null");
	return system(command) == 0;
}

/* ---- The loader -------------------------------------------------------- */

/* Since `offset` of its log */
static bool says_that_it_serves(off_t offset)
{
	char text[4096];
	int fd = open(log_path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, offset);

	if (fd >= 0)
		close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return strstr(text, " serves");
}

static pid_t loader_spawn(int log)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpriority(PRIO_PROCESS, 0, 0);
	dup2(log, STDERR_FILENO);
	execlp(LOADER, LOADER, "-f", NULL);
	_exit(127);
}

/* Again and again, as a service manager does, until one serves. */
static void loader_start(void)
{
	int log =
		open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	for (int try = 0; log >= 0 && try < 100; try++) {
		off_t offset = lseek(log, 0, SEEK_END);

		loader = loader_spawn(log);
		while (!says_that_it_serves(offset)) {
			if (waitpid(loader, NULL, WNOHANG) == loader)
				break;
			pause_ns(10 * MS);
		}
		if (says_that_it_serves(offset)) {
			close(log);
			return;
		}
		restarts++;
		pause_ns(100 * MS);
	}
	die("no loader");
}

static bool loader_has_ended(void)
{
	return waitpid(loader, NULL, WNOHANG) == loader;
}

static void phase_begin(void)
{
	figures_begin();
	latest_beat();
	storm_store(&storm->phase, storm->phase + 1);
}

/* Figures of all that began in the phase: read when it is over. */
static void phase_end(void)
{
	uint32_t phase = storm->phase;
	siginfo_t end = { 0 };
	int64_t latest;

	storm_store(&storm->phase, phase + 1);
	latest = latest_beat();
	fprintf(stderr, "storm: phase %u: latest beat %" PRId64 " ms\n", phase,
		latest / MS);
	stood_still[phase % STORM_PHASES] = latest > LATE_NS;
	figures_end(latest > LATE_NS);
	waitid(P_PID, (id_t)loader, &end, WEXITED | WNOHANG | WNOWAIT);
	if (!end.si_pid)
		return;
	fprintf(stderr, "storm: loader %d has ended in phase %u: %d, %d\n",
		loader, phase, end.si_code, end.si_status);
	ended_alone++;
}

static void loader_kill(void)
{
	kill(loader, SIGKILL);
	waitpid(loader, NULL, 0);
	kills++;
}

/* True: it goes on. One that held a process meanwhile was ended by its guard.
 */
static bool loader_stop(unsigned int *random)
{
	kill(loader, SIGSTOP);
	stops++;
	pause_up_to(random, 1000);
	kill(loader, SIGCONT);
	while (!loader_has_ended()) {
		if (strstr(show(), "\"loader\": true"))
			return true;
		pause_ns(20 * MS);
	}
	stop_deaths++;
	return false;
}

static void *loader_comes_and_goes(void *unused)
{
	unsigned int random = seed + 1;

	for (; !storm_load(&storm->ended); storm_store(&turns, turns + 1)) {
		bool lives = false;

		pause_ns(500 * MS);
		pause_up_to(&random, 3000);
		phase_end();
		if (turns % 3 == 1)
			lives = loader_stop(&random);
		else
			loader_kill();
		if (!lives) {
			pause_up_to(&random, 300);
			loader_start();
		}
		phase_begin();
	}
	return unused;
}

/* ---- Moves and steps --------------------------------------------------- */

static bool put(pid_t pid, int place)
{
	char path[256], text[16];
	int length = snprintf(text, sizeof(text), "%d", pid), fd;
	bool done;

	snprintf(path, sizeof(path), "%s/cgroup.procs",
		 storm->place[place].cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, (size_t)length) == length;
	if (fd >= 0)
		close(fd);
	return done;
}

static void move(unsigned int number, unsigned int to)
{
	uint64_t where = storm->where[number], turn = storm_turn(where);
	unsigned int from = where & 0xff;

	storm_store(&storm->where[number], storm_where(turn + 1, from, to));
	if (!put(pids[number], (int)to))
		die("move");
	storm_store(&storm->where[number], storm_where(turn + 2, to, to));
	moves++;
}

static void *readers_move(void *unused)
{
	unsigned int random = seed + 2;

	while (!storm_load(&storm->ended)) {
		unsigned int number = (unsigned int)rand_r(&random) % READERS;

		if (!readers[number].moves)
			continue;
		move(number, (unsigned int)rand_r(&random) % STORM_PLACES);
		pause_up_to(&random, 200);
	}
	return unused;
}

static void *rules_step(void *unused)
{
	unsigned int random = seed + 3;

	while (!storm_load(&storm->ended)) {
		int number = rand_r(&random) % 2 ? STORM_FIRST : STORM_SECOND;
		struct storm_place *place = &storm->place[number];
		uint32_t step = place->highest + 1, phase;

		storm_store(&place->highest, step);
		phase = storm_load(&storm->phase);
		sets++;
		/* One that the loader was asked for, and died over, may be in
		 * force. */
		if (set(number, step))
			storm_store(&place->lowest, step);
		else if (!(phase & 1) && phase == storm_load(&storm->phase))
			sets_failed++;
		else
			sets_interrupted++;
		pause_up_to(&random, 700);
	}
	return unused;
}

/* ---- Begin and end ----------------------------------------------------- */

static void reader_run(unsigned int number)
{
	char text[8];

	setpriority(PRIO_PROCESS, 0, 0);
	snprintf(text, sizeof(text), "%u", number);
	if (!put(getpid(), readers[number].place))
		_exit(127);
	execl(PROBES "storm_reader", "storm_reader",
	      readers[number].starts ? "start" : "read", file, text, NULL);
	_exit(127);
}

/* It is in its place when this returns: nothing else moves it before. */
static void reader_spawn(unsigned int number)
{
	int until_exec[2];
	char none;

	storm->where[number] = storm_where(0, (uint64_t)readers[number].place,
					   (uint64_t)readers[number].place);
	if (pipe2(until_exec, O_CLOEXEC))
		die("pipe");
	pids[number] = fork();
	if (!pids[number])
		reader_run(number);
	close(until_exec[1]);
	if (read(until_exec[0], &none, 1))
		die("reader");
	close(until_exec[0]);
}

static void places_begin(char **cgroups)
{
	static const int64_t days[STORM_PLACES][STORM_FAMILIES] = {
		[STORM_FIRST] = { 30, 20, 10 },
		[STORM_SECOND] = { 400, 300, 200 },
	};

	for (int place = 0; place < STORM_PLACES; place++) {
		snprintf(storm->place[place].cgroup,
			 sizeof(storm->place[place].cgroup), "%s",
			 cgroups[place]);
		for (int i = 0; i < STORM_FAMILIES; i++)
			storm->place[place].base_ns[i] =
				days[place][i] * 86400 * NS_PER_S;
		if (place != STORM_OUTSIDE && !set(place, 0))
			die("set");
	}
}

static void print_missed(void)
{
	unsigned long missed[2] = { 0, 0 }, still = 0;

	for (unsigned int i = 0; i < STORM_PHASES; i++) {
		missed[stood_still[i]] += storm->missed[i];
		still += stood_still[i];
	}
	printf(",\"missed\":%lu,\"still_missed\":%lu", missed[0], missed[1]);
	printf(",\"phases\":%u,\"phases_still\":%lu}\n", (storm->phase - 1) / 2,
	       still);
}

static void print(void)
{
	static const char *const names[STORM_COUNTS] = {
		[STORM_READINGS] = "readings",
		[STORM_WRONG] = "wrong",
		[STORM_BACKWARD] = "backward",
		[STORM_UNSURE] = "unsure",
		[STORM_ARRIVING] = "arriving",
		[STORM_LATE] = "late",
		[STORM_OUTSIDE_STARTS] = "outside_starts",
		[STORM_FAST] = "fast",
		[STORM_ALONE] = "alone",
		[STORM_ALONE_SLOW] = "alone_slow",
		[STORM_CALLS] = "calls",
		[STORM_CALLS_HOST] = "calls_host",
		[STORM_STOPPED] = "stopped",
		[STORM_DIED] = "died",
	};

	printf("{\"seed\":%u,\"moves\":%lu,\"sets\":%lu,\"sets_failed\":%lu,\"sets_interrupted\":%lu,"
	       "\"kills\":%lu,\"stops\":%lu,\"stop_deaths\":%lu,\"restarts\":%lu,\"ended_alone\":%lu",
	       seed, moves, sets, sets_failed, sets_interrupted, kills, stops,
	       stop_deaths, restarts, ended_alone);
	for (int i = 0; i < STORM_COUNTS; i++)
		printf(",\"%s\":%" PRIu64, names[i], storm->count[i]);
	for (size_t i = 0; i < WATCHED; i++)
		printf(",\"%s\":%" PRIu64 ",\"still_%s\":%" PRIu64, watched[i],
		       grown[i], watched[i], grown_still[i]);
	print_missed();
}

/* Readers that have ended otherwise than at the end of all are no readers. */
static void readers_end(void)
{
	for (unsigned int i = 0; i < READERS; i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		if (status) {
			fprintf(stderr, "storm: reader %u: %#x\n", i, status);
			storm_count(storm, STORM_DIED);
		}
	}
}

static void storm_run(long seconds)
{
	static void *(*const parts[])(void *) = { loader_comes_and_goes,
						  readers_move, rules_step };
	pthread_t threads[sizeof(parts) / sizeof(*parts)];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (pthread_create(&threads[i], NULL, parts[i], NULL))
			die("thread");
	pause_ns(seconds * NS_PER_S);
	while (storm_load(&turns) < LEAST_TURNS)
		pause_ns(20 * MS);
	storm_store(&storm->ended, 1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	long seconds = argc == 7 ? atol(argv[1]) : 0;
	const char *comma = argc == 7 ? strchr(argv[1], ',') : NULL;

	if (seconds <= 0) {
		fputs("usage: storm SECONDS[,SEED] FILE LOG OUTSIDE FIRST SECOND\n",
		      stderr);
		return 2;
	}
	seed = comma ? (unsigned int)atol(comma + 1)
		     : (unsigned int)time(NULL) % 100000;
	file = argv[2];
	log_path = argv[3];
	storm = storm_open(file, true);
	if (!storm)
		return 1;
	measure_clocks();
	places_begin(argv + 4);
	storm->phase = 1;
	beats_begin();
	loader_start();
	phase_begin();
	for (unsigned int i = 0; i < READERS; i++)
		reader_spawn(i);
	storm_run(seconds);
	readers_end();
	phase_end();
	print();
	kill(loader, SIGTERM);
	waitpid(loader, NULL, 0);
	return 0;
}
