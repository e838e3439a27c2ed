/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reviewer.h"

#include "base/error.h"
#include "base/thread.h"
#include "review.h"

#include <abi/latch.h>
#include <poll.h>
#include <string.h>

/* Between looks at revoked passes: the first soon, the others less often. */
#define FIRST_MS 20
#define LAST_MS 5000
/* Between reviews, so that others get the lock of the rules, for which they
 * look every 10 ms. */
#define APART_MS 30

static int next_pause(int pause, bool is_left)
{
	if (!is_left)
		return -1;
	return pause < LAST_MS / 2 ? 2 * pause : LAST_MS;
}

static void *run_reviewer(void *argument)
{
	struct tnb_reviewer *reviewer = argument;
	struct pollfd wake[] = {
		{ .fd = reviewer->ending->fd, .events = POLLIN },
		{ .fd = reviewer->inbox->wake, .events = POLLIN },
	};
	struct tnb_moves moves = { 0 };
	int pause = FIRST_MS;

	/* For what happened while there was no loader. */
	tnb_moves_add_all(&moves);
	tnb_thread_begin("tnb-reviewer", 0);
	while (poll(wake, 2, pause) >= 0 &&
	       !tnb_load_acquire(reviewer->ending->now)) {
		bool is_left;

		if (wake[1].revents) {
			pause = FIRST_MS;
			tnb_inbox_take(reviewer->inbox, &moves);
		}
		is_left = tnb_review(reviewer->tnb, reviewer->vdsos, &moves);
		poll(wake, 1, APART_MS);
		pause = next_pause(pause, is_left);
	}
	return NULL;
}

int tnb_reviewer_start(struct tnb_reviewer *reviewer)
{
	int err = -pthread_create(&reviewer->thread, NULL, run_reviewer,
				  reviewer);

	reviewer->has_thread = !err;
	return err ? tnb_fail(err, "cannot start a thread: %s", strerror(-err))
		   : 0;
}

void tnb_reviewer_join(struct tnb_reviewer *reviewer)
{
	if (reviewer->has_thread)
		pthread_join(reviewer->thread, NULL);
	reviewer->has_thread = false;
}
