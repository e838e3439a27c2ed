/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "storm.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* That the clocks are not read at the very instant of the tick counter, and
 * that its frequency was measured. Rules are a thousand times that apart. */
#define TOLERANCE_NS 100000000LL
/* time(2) and times(2) have the clock of the last tick, in the vDSO too. A tick
 * is late while the machine does not run its CPU. */
#define TICK_LATE_NS (5 * NS_PER_S)

struct storm *storm_open(const char *path, bool create)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
	struct storm *storm = MAP_FAILED;

	if (fd >= 0 && (!create || !ftruncate(fd, sizeof(*storm))))
		storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (storm != MAP_FAILED)
		return storm;
	perror(path);
	return NULL;
}

void storm_look(struct storm *storm, struct storm_view *view)
{
	for (int place = 0; place < STORM_PLACES; place++)
		view->lowest[place] = storm_load(&storm->place[place].lowest);
	view->tsc = storm_ticks();
}

static int family(int clock)
{
	if (clock == RAW_REALTIME)
		return 0;
	return clock == RAW_MONOTONIC ? 1 : 2;
}

static int64_t host_at(const struct storm *storm, uint64_t tsc, int clock)
{
	return storm->host_ns[family(clock)] +
	       (int64_t)((double)(int64_t)(tsc - storm->tsc) *
			 storm->ns_per_tick);
}

/* Of time() and times() */
static bool is_of_last_tick(const struct ways_door *door)
{
	return !strncmp(door->function, "time", strlen("time"));
}

int64_t storm_ahead(const struct storm *storm, const struct storm_view *view,
		    const struct ways_door *door, int64_t ns, int place)
{
	return ns - storm->place[place].base_ns[family(door->clock)] -
	       view->lowest[place] * STORM_STEP_NS -
	       host_at(storm, view->tsc, door->clock);
}

bool storm_fits(struct storm *storm, const struct storm_view *view,
		const struct ways_door *door, int64_t ns, int place)
{
	struct storm_place *at = &storm->place[place];
	int64_t from = host_at(storm, view->tsc, door->clock) - TOLERANCE_NS;
	int64_t to = host_at(storm, storm_ticks(), door->clock) + TOLERANCE_NS;
	uint32_t highest = storm_load(&at->highest);

	if (is_of_last_tick(door))
		from -= TICK_LATE_NS;
	for (uint32_t k = view->lowest[place]; k <= highest; k++) {
		int64_t host = ns - at->base_ns[family(door->clock)] -
			       k * STORM_STEP_NS;

		if (host > from - door->unit_ns && host <= to)
			return true;
	}
	return false;
}
