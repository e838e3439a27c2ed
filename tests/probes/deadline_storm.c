/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline_storm --threads N --seconds S [--rounds R] [--no-fork] [--rest]
 *   Threads that do nothing but wait until absolute times, in step: half of
 *   them pass the very same memory at the same instant, the others their own
 *   on the stack and on the heap. One more thread forks meanwhile. --rest: each
 *   sleeps a moment before it looks at its memory. Ends after S seconds and at
 *   least R rounds: how many fit into a time is up to the machine.
 *
 * Prints one line of JSON:
 *   early     waits that ended before their deadline, by the waiter's clock
 *   lost      that ended too late, or had to be ended
 *   stalled   that ended too late while the whole machine stood still
 *   changed   memory that did not hold what was stored: its own when the call
 *             was over, the shared one when all calls were
 *   glimpsed  shared memory that did not while others were in their calls
 *   changed_in_child  a child's copy that did not
 *   failed    calls with another result than those, and forks
 */
#define _GNU_SOURCE
#include "raw.h"
#include "tolerance.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 256
#define NS_PER_MS 1000000LL
/* A wait that lasts longer is ended. */
#define TICK_MS 50
#define STALL_NS (500 * NS_PER_MS)
#define HANG_NS (LATE_NS + 500 * NS_PER_MS)

/* ---- The layouts and calls of 64-bit and 32-bit time ------------------- */

struct its64 {
	struct time64 interval, value;
};

struct its32 {
	struct time32 interval, value;
};

/* What a thread passes: all layouts of one deadline. */
struct deadline {
	struct its64 its64;
	struct its32 its32;
};

struct calls {
	long nanosleep, futex, timerfd_settime;
	bool time32;
};

#if defined(__x86_64__)
static const struct calls calls[] = { { 230, 202, 286, false } };
#else
static const struct calls calls[] = { { 407, 422, 411, false },
				      { 267, 240, 325, true } };
#endif
#define LAYOUTS (sizeof(calls) / sizeof(*calls))

static void deadline_put(struct deadline *deadline, int64_t ns)
{
	memset(deadline, 0, sizeof(*deadline));
	deadline->its64.value = (struct time64){ ns / NS_PER_S, ns % NS_PER_S };
	deadline->its32.value = (struct time32){ (int32_t)(ns / NS_PER_S),
						 (int32_t)(ns % NS_PER_S) };
}

static int64_t now_of(long clock)
{
	struct time64 time = { 0, 0 };
#if defined(__x86_64__)
	raw3(NR_CLOCK_GETTIME, clock, (long)&time, 0);
#else
	raw3(NR32_CLOCK_GETTIME64, clock, (long)&time, 0);
#endif
	return time.sec * NS_PER_S + time.fraction;
}

/* ---- Threads ----------------------------------------------------------- */

struct thread {
	pthread_t id;
	int index;
	int timerfd[2];
	struct deadline *heap;
	uint32_t word;
	_Atomic int64_t since; /* in a wait, by MONOTONIC_RAW; 0: in none */
	atomic_bool ended;
	uint64_t calls, early, lost, stalled, changed, glimpsed, failed;
} __attribute__((aligned(64)));

static struct thread threads[THREADS_MAX];
static int thread_count = 8;
static pthread_barrier_t barrier;
static bool rests;
static uint64_t least_rounds;
static atomic_bool stop, stop_forks;
/* When the machine was last found to have stood still, by MONOTONIC_RAW: waits
 * that were on then may have been late through no fault of the kernel's. */
static _Atomic int64_t stood_still;
static bool last_round;

static const long clock_ids[2] = { RAW_MONOTONIC, RAW_REALTIME };

/* Written between the rounds by the first thread, under the lock that the
 * forking thread holds while it forks. */
static struct {
	pthread_mutex_t lock;
	struct deadline passed[2], stored[2];
	uint64_t changed;
	_Atomic uint64_t round; /* read by who ends the storm, too */
	atomic_bool wanted;	/* the one who forks lets the writer go first */
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- Waits ------------------------------------------------------------- */

enum { NANOSLEEP, FUTEX, TIMERFD, WAYS };

static long wait_timerfd(struct thread *thread, const struct calls *call,
			 int clock, void *its)
{
	uint64_t expirations;
	long fd = thread->timerfd[clock];
	long ret = raw6(call->timerfd_settime, fd, TFD_TIMER_ABSTIME, (long)its,
			0, 0, 0);

	if (ret == 0)
		ret = raw3(NR_READ, fd, (long)&expirations,
			   sizeof(expirations));
	return ret == sizeof(expirations) ? 0 : ret;
}

static long wait_until(struct thread *thread, int way, const struct calls *call,
		       int clock, struct deadline *deadline)
{
	void *its = call->time32 ? (void *)&deadline->its32
				 : (void *)&deadline->its64;
	void *time = call->time32 ? (void *)&deadline->its32.value
				  : (void *)&deadline->its64.value;
	long op = 9 | 128 | (clock_ids[clock] == RAW_REALTIME ? 256 : 0);
	long ret;

	switch (way) {
	case NANOSLEEP:
		return raw6(call->nanosleep, clock_ids[clock], TIMER_ABSTIME,
			    (long)time, 0, 0, 0);
	case FUTEX:
		ret = raw6(call->futex, (long)&thread->word, op, 0, (long)time,
			   0, 0xffffffffL);
		return ret == -ETIMEDOUT ? 0 : ret;
	default:
		return wait_timerfd(thread, call, clock, its);
	}
}

static bool has_stood_still(const struct thread *thread)
{
	/* The one who looks may be behind. */
	poll(NULL, 0, 3 * TICK_MS);
	return atomic_load(&stood_still) > thread->since;
}

static void judge(struct thread *thread, long ret, int64_t before,
		  int64_t after, int64_t deadline)
{
	int64_t latest = before > deadline ? before : deadline;

	thread->calls++;
	if (atomic_load(&thread->ended))
		thread->lost++;
	else if (after > latest + LATE_NS && has_stood_still(thread))
		thread->stalled++;
	else if (after > latest + LATE_NS)
		thread->lost++;
	else if (ret)
		thread->failed++;
	else if (after < deadline)
		thread->early++;
}

static void wait_once(struct thread *thread, uint64_t round,
		      struct deadline *deadline, int64_t ns, bool is_shared)
{
	int clock = round & 1, way = (int)(round / 2 % WAYS);
	const struct calls *call = &calls[round / (2 * WAYS) % LAYOUTS];
	struct deadline stored;
	int64_t before, after;
	long ret;

	deadline_put(&stored, ns);
	atomic_store(&thread->ended, false);
	before = now_of(clock_ids[clock]);
	atomic_store(&thread->since, now_of(RAW_MONOTONIC_RAW));
	ret = wait_until(thread, way, call, clock, deadline);
	after = now_of(clock_ids[clock]);
	judge(thread, ret, before, after, ns);
	atomic_store(&thread->since, 0);
	if (rests)
		poll(NULL, 0, 1);
	if (!memcmp(deadline, &stored, sizeof(stored)))
		return;
	if (is_shared)
		thread->glimpsed++;
	else
		thread->changed++;
}

/* ---- Rounds ------------------------------------------------------------ */

/* In one to five milliseconds; every fourth time a second ago. */
static int64_t some_time(uint64_t round, int clock)
{
	uint64_t turn = round / (2 * WAYS * LAYOUTS);
	int64_t now = now_of(clock_ids[clock]);

	return turn % 4 == 3 ? now - NS_PER_S
			     : now + (1 + (int64_t)(turn % 5)) * NS_PER_MS;
}

static void next_round(void)
{
	int clock;

	atomic_store(&shared.wanted, true);
	pthread_mutex_lock(&shared.lock);
	atomic_store(&shared.wanted, false);
	if (memcmp(shared.passed, shared.stored, sizeof(shared.stored)))
		shared.changed++;
	clock = ++shared.round & 1;
	deadline_put(&shared.stored[clock], some_time(shared.round, clock));
	shared.passed[clock] = shared.stored[clock];
	pthread_mutex_unlock(&shared.lock);
	last_round = atomic_load(&stop);
}

static void one_round(struct thread *thread)
{
	uint64_t round = shared.round;
	int clock = round & 1;
	const struct time64 *value = &shared.stored[clock].its64.value;
	struct deadline stack;
	struct deadline *own = thread->index & 2 ? thread->heap : &stack;
	int64_t ns = value->sec * NS_PER_S + value->fraction;

	if (thread->index & 1) {
		wait_once(thread, round, &shared.passed[clock], ns, true);
		return;
	}
	ns += thread->index * 10007;
	deadline_put(own, ns);
	wait_once(thread, round, own, ns, false);
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;

	for (;;) {
		pthread_barrier_wait(&barrier);
		if (thread->index == 0)
			next_round();
		pthread_barrier_wait(&barrier);
		if (last_round)
			return NULL;
		one_round(thread);
	}
}

/* ---- Forks ------------------------------------------------------------- */

static uint64_t forks, changed_in_child, failed_forks;

enum { CHILD_RIGHT = 0, CHILD_CHANGED = 7 };

static void fork_once(void)
{
	int status = 0;
	pid_t pid;

	while (atomic_load(&shared.wanted))
		sched_yield();
	pthread_mutex_lock(&shared.lock);
	/* The C library's would take its locks, which the others hold. */
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		syscall(SYS_exit_group, memcmp(shared.passed, shared.stored,
					       sizeof(shared.stored))
						? CHILD_CHANGED
						: CHILD_RIGHT);
	pthread_mutex_unlock(&shared.lock);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		failed_forks++;
		return;
	}
	forks++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_CHANGED)
		changed_in_child++;
	else if (status)
		failed_forks++;
}

static void *fork_main(void *arg)
{
	while (!atomic_load(&stop_forks))
		fork_once();
	return arg;
}

/* ---- The whole --------------------------------------------------------- */

static void nothing(int signal)
{
	(void)signal;
}

/* Every TICK_MS, if the machine goes on. */
static void end_hung(void)
{
	static int64_t last;
	int64_t now = now_of(RAW_MONOTONIC_RAW);

	if (last && now - last > STALL_NS)
		atomic_store(&stood_still, now);
	last = now;
	for (int t = 0; t < thread_count; t++) {
		int64_t since = atomic_load(&threads[t].since);

		if (!since || now - since < HANG_NS ||
		    now - atomic_load(&stood_still) < HANG_NS)
			continue;
		atomic_store(&threads[t].ended, true);
		pthread_kill(threads[t].id, SIGUSR1);
	}
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void begin(void)
{
	struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGUSR1, &action, NULL);
	pthread_barrier_init(&barrier, NULL, (unsigned)thread_count);
	for (int t = 0; t < thread_count; t++) {
		struct thread *thread = &threads[t];

		thread->index = t;
		thread->heap = malloc(sizeof(*thread->heap));
		must(thread->heap, "malloc");
		for (int c = 0; c < 2; c++) {
			thread->timerfd[c] =
				timerfd_create((int)clock_ids[c], TFD_CLOEXEC);
			must(thread->timerfd[c] >= 0, "timerfd_create");
		}
	}
	for (int t = 0; t < thread_count; t++)
		must(!pthread_create(&threads[t].id, NULL, thread_main,
				     &threads[t]),
		     "pthread_create");
}

/* The last round may have to be ended too. */
static void finish(void)
{
	atomic_store(&stop, true);
	for (int t = 0; t < thread_count; t++)
		while (pthread_tryjoin_np(threads[t].id, NULL)) {
			end_hung();
			poll(NULL, 0, 10);
		}
}

static void run(int seconds, bool with_forks)
{
	int64_t end = now_of(RAW_MONOTONIC_RAW) + seconds * NS_PER_S;
	pthread_t forker;

	begin();
	if (with_forks)
		must(!pthread_create(&forker, NULL, fork_main, NULL),
		     "pthread_create");
	/* The last round begun is not run if it is told to stop. */
	while (now_of(RAW_MONOTONIC_RAW) < end ||
	       shared.round <= least_rounds) {
		end_hung();
		poll(NULL, 0, TICK_MS);
	}
	finish();
	atomic_store(&stop_forks, true);
	if (with_forks)
		pthread_join(forker, NULL);
}

static void print(void)
{
	struct thread all = { .changed = shared.changed,
			      .failed = failed_forks };

	for (int t = 0; t < thread_count; t++) {
		all.calls += threads[t].calls;
		all.early += threads[t].early;
		all.lost += threads[t].lost;
		all.stalled += threads[t].stalled;
		all.changed += threads[t].changed;
		all.glimpsed += threads[t].glimpsed;
		all.failed += threads[t].failed;
	}
	printf("{\"threads\":%d,\"rounds\":%" PRIu64 ",\"calls\":%" PRIu64
	       ",\"early\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"stalled\":%" PRIu64 ",\"changed\":%" PRIu64
	       ",\"glimpsed\":%" PRIu64 ",\"changed_in_child\":%" PRIu64
	       ",\"forks\":%" PRIu64 ",\"failed\":%" PRIu64 "}\n",
	       thread_count, (uint64_t)shared.round, all.calls, all.early,
	       all.lost, all.stalled, all.changed, all.glimpsed,
	       changed_in_child, forks, all.failed);
}

int main(int argc, char **argv)
{
	bool with_forks = true;
	int seconds = 15;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--no-fork"))
			with_forks = false;
		else if (!strcmp(argv[i], "--rest"))
			rests = true;
		else if (i + 1 == argc)
			return 2;
		else if (!strcmp(argv[i], "--threads"))
			thread_count = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--rounds"))
			least_rounds = strtoull(argv[++i], NULL, 10);
		else
			return 2;
	}
	if (thread_count < 1 || thread_count > THREADS_MAX || seconds < 1)
		return 2;
	run(seconds, with_forks);
	print();
	return 0;
}
