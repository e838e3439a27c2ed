/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of a storm share (storm.c, storm_reader.c), a file: what
 * is being done to whom, so that each reading is judged by the rule of its
 * moment, and what they found.
 */
#ifndef TIMENSBPF_TESTS_PROBES_STORM_H
#define TIMENSBPF_TESTS_PROBES_STORM_H

#include "raw.h"
#include "ways.h"

#include <stdbool.h>
#include <stdint.h>

enum { STORM_OUTSIDE, STORM_FIRST, STORM_SECOND, STORM_PLACES };
#define STORM_READERS 16
#define STORM_PHASES 4096u
#define STORM_FAMILIES 3 /* REALTIME, MONOTONIC, BOOTTIME */

/* Each `set` adds a step. The one in force is one of those in between. */
#define STORM_STEP_NS (100 * NS_PER_S)

/* Of times(2): USER_HZ of the kernel (include/asm-generic/param.h) */
#define STORM_TICK_NS 10000000LL

#define STORM_CGROUPS "/sys/fs/cgroup"

struct storm_place {
	char cgroup[128]; /* its directory, below STORM_CGROUPS */
	int64_t base_ns[STORM_FAMILIES];
	uint32_t lowest, highest;
};

enum storm_count {
	STORM_READINGS,
	STORM_WRONG,
	STORM_BACKWARD, /* than a reading before, of a process that is not moved
			 */
	STORM_UNSURE,	/* moved more than once meanwhile: not judged */
	STORM_ARRIVING, /* the host's, after a move from outside */
	STORM_LATE,	/* the same, too long after it */
	STORM_OUTSIDE_STARTS,
	STORM_FAST,
	STORM_ALONE, /* none lived at some time of the start: fast, slow */
	STORM_ALONE_SLOW,
	STORM_CALLS,	  /* of the readings: time(2), times(2) */
	STORM_CALLS_HOST, /* of these: the host's value in a rule. To be
			   * compared with the figure call_lost */
	STORM_STOPPED,	  /* seen by the parent */
	STORM_DIED,	  /* starts that ended otherwise than they should */
	STORM_COUNTS,
};

struct storm {
	/* The host's clocks: `host_ns` at `tsc`, and as fast as it */
	uint64_t tsc;
	double ns_per_tick;
	int64_t host_ns[STORM_FAMILIES];
	int64_t times_ahead_ns; /* what times(2) is ahead of MONOTONIC */
	uint32_t ended;
	uint32_t phase; /* odd: no loader lives, or nothing is known of it */
	struct storm_place place[STORM_PLACES];
	/* Where a reader is: storm_where() */
	uint64_t where[STORM_READERS];
	uint64_t count[STORM_COUNTS];
	/* Of those that were missed, by the phase */
	uint32_t missed[STORM_PHASES];
};

/* A number that grows by 1 at the begin and the end of each move, and the two
 * places; both are the same but during a move. */
static inline uint64_t storm_where(uint64_t turn, uint64_t from, uint64_t to)
{
	return turn << 16 | from << 8 | to;
}

static inline uint64_t storm_turn(uint64_t where)
{
	return where >> 16;
}

static inline unsigned int storm_places(uint64_t where)
{
	return 1u << (where >> 8 & 0xff) | 1u << (where & 0xff);
}

#define storm_load(at) __atomic_load_n(at, __ATOMIC_SEQ_CST)
#define storm_store(at, value) __atomic_store_n(at, value, __ATOMIC_SEQ_CST)

static inline void storm_count(struct storm *storm, enum storm_count which)
{
	__atomic_add_fetch(&storm->count[which], 1, __ATOMIC_RELAXED);
}

/* All processors' are the same one in a guest, as its kernel takes for granted.
 */
static inline uint64_t storm_ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc; lfence"
			 : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

/* The file, mapped; NULL and a line on stderr if it cannot be. */
struct storm *storm_open(const char *path, bool create);

/* Before a reading: since when, and which rules. */
struct storm_view {
	uint64_t tsc;
	uint32_t lowest[STORM_PLACES];
};
void storm_look(struct storm *storm, struct storm_view *view);

/* By how much the value is ahead of that of a place at that time */
int64_t storm_ahead(const struct storm *storm, const struct storm_view *view,
		    const struct ways_door *door, int64_t ns, int place);

/* After it: is the value that of a place at some time since? */
bool storm_fits(struct storm *storm, const struct storm_view *view,
		const struct ways_door *door, int64_t ns, int place);

#endif
