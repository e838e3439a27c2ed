/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "examiner.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/proc.h"
#include "rules/pages.h"

#include <abi/latch.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Looks at the examiner's progress are counted, not time: where the parent has
 * no CPU, the examiner has none. */
#define LOOK_EVERY_MS 10
/* A process may take so many, two seconds; for a minute after one that took
 * longer all may take less, so that many of that kind cost no more than a few.
 */
#define LOOKS_MAX 200
#define LOOKS_LATER 10
#define LATER_NS 60000000000ULL
/* Where the examiner is ready to run, another process may have the CPU. */
#define READY_TIMES 20
/* How long one that was killed may need to end. */
#define END_MS 200

struct examiner {
	const struct tnb *tnb;
	size_t count;
	tnb_examination look;
	void *context;
	size_t *next; /* shared with the child: the process that it is at */
	pid_t parent;
};

static __u64 gave_up_ns; /* CLOCK_MONOTONIC; 0: never */

static unsigned int looks_max(void)
{
	__u64 last = tnb_load_acquire(gave_up_ns);

	return last && tnb_clock_now() - last < LATER_NS ? LOOKS_LATER
							 : LOOKS_MAX;
}

void *tnb_examiner_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void tnb_examiner_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

/* ---- The child ----------------------------------------------------------- */

static void run_child(const struct examiner *examiner)
{
	int keep[TNB_HANDLE_FILES];

	tnb_child_keep_only(keep, tnb_handle_files(examiner->tnb, keep));
	tnb_pages_after_fork(examiner->tnb->pages);
	while (*examiner->next < examiner->count &&
	       getppid() == examiner->parent) {
		bool is_more =
			examiner->look(examiner->context, *examiner->next);

		tnb_store_release(*examiner->next, is_more ? *examiner->next + 1
							   : examiner->count);
	}
	_exit(0);
}

/* ---- Its parent ---------------------------------------------------------- */

static bool has_ended(int fd, int ms)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	return poll(&end, 1, ms) > 0;
}

/* Until it has ended, or makes no progress. */
static void wait_for_end(const struct examiner *examiner, pid_t child, int fd)
{
	size_t seen = tnb_load_acquire(*examiner->next);
	unsigned int looks = 0, most = looks_max();

	while (!has_ended(fd, LOOK_EVERY_MS)) {
		size_t next = tnb_load_acquire(*examiner->next);

		looks = next == seen ? looks + 1 : 0;
		seen = next;
		if (looks > most && (looks > most * READY_TIMES ||
				     tnb_proc_state(child) != 'R'))
			return;
	}
}

/* One that does not end although it was killed waits in the kernel. */
static void end_child(pid_t child, int fd)
{
	pidfd_send_signal(fd, SIGKILL, NULL, 0);
	if (has_ended(fd, END_MS))
		tnb_child_reap(child);
	else
		tnb_child_give_up(child);
}

static int run_one(const struct examiner *examiner)
{
	pid_t child;
	int fd, err;

	tnb_child_reap_given_up();
	child = tnb_child_fork();
	if (!child)
		run_child(examiner);
	fd = child < 0 ? -1 : pidfd_open(child, 0);
	err = errno;
	if (child > 0 && fd < 0) {
		kill(child, SIGKILL);
		tnb_child_reap(child);
	}
	if (fd < 0)
		return tnb_fail(-err, "cannot start a process: %s",
				strerror(err));
	wait_for_end(examiner, child, fd);
	end_child(child, fd);
	close(fd);
	return 0;
}

int tnb_examiner_run(const struct tnb *tnb, size_t count, tnb_examination look,
		     tnb_given_up gave_up, void *context)
{
	struct examiner examiner = {
		.tnb = tnb,
		.count = count,
		.look = look,
		.context = context,
		.parent = getpid(),
	};
	int err = 0;

	if (!count)
		return 0;
	examiner.next = tnb_examiner_memory(sizeof(*examiner.next));
	if (!examiner.next)
		return tnb_fail_memory();
	while (!err && *examiner.next < count) {
		err = run_one(&examiner);
		if (err || *examiner.next >= count)
			break;
		gave_up(context, *examiner.next);
		++*examiner.next;
		tnb_store_release(gave_up_ns, tnb_clock_now());
	}
	tnb_examiner_free(examiner.next, sizeof(*examiner.next));
	return err;
}
