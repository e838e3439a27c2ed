/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process_vm_writev(2) pins the pages of the target for writing first. That
 * ends copy-on-write, brings back what is not present, and marks pages as
 * written to. Then the copy fails with EFAULT, because its source is a page of
 * ours without access. So no byte of the target changes, no store of another
 * thread is lost, and nothing is traced.
 *
 * Read-only memory fails with EFAULT, too: the thread finds out when it tries
 * again.
 */
#define _GNU_SOURCE
#include "memory.h"

#include "rules/channel.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

/*
 * A page fault of the target may wait for another program, where only the end
 * of this process ends it: memory that a file system in user space or on
 * another machine serves. (That of userfaultfd and FUSE does not come here.) So
 * each half of the tracers has some left that cannot be in it.
 */
#define MENDERS_MAX (TNB_TRACERS / 2 - 2)

/* Of those, so many may write, which no look at the memory goes before. */
#define WRITERS_MAX 4

static unsigned int menders, writers;
static void *no_access = MAP_FAILED;

static void map_no_access(void)
{
	/* A time has no more bytes. */
	no_access =
		mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void leave(void)
{
	__atomic_sub_fetch(&menders, 1, __ATOMIC_SEQ_CST);
}

static bool may_enter(void)
{
	if (__atomic_add_fetch(&menders, 1, __ATOMIC_SEQ_CST) <= MENDERS_MAX)
		return true;
	leave();
	return false;
}

/* False: the thread waits no more. */
static bool enter(const struct tnb_loader_state *state, __u64 hold)
{
	const struct timespec nap = { .tv_nsec = 100000 };

	while (tnb_channel_waits(state, hold)) {
		if (may_enter())
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

static bool touch(const struct tnb_loader_event *event)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct iovec to = { (void *)event->address, event->size };
	struct iovec from = { .iov_len = event->size };

	pthread_once(&once, map_no_access);
	from.iov_base = no_access;
	/* By the thread: the first one of its process may have ended. */
	return no_access != MAP_FAILED &&
	       process_vm_writev((pid_t)event->tid, &from, 1, &to, 1, 0) < 0 &&
	       errno == EFAULT;
}

unsigned int tnb_memory_menders(void)
{
	return __atomic_load_n(&menders, __ATOMIC_SEQ_CST);
}

void tnb_memory_mend(struct tnb_loader_state *state,
		     const struct tnb_loader_event *event)
{
	enum tnb_hold_state answer;

	if (!enter(state, event->hold))
		return;
	answer = touch(event) ? TNB_HOLD_TAKEN : TNB_HOLD_REFUSED;
	(void)!tnb_channel_answer(state, event->hold, answer);
	leave();
}

bool tnb_memory_touch(const struct tnb_loader_event *event)
{
	bool is_writable = false;

	if (may_enter()) {
		is_writable = touch(event);
		leave();
	}
	return is_writable;
}

bool tnb_memory_write(pid_t tid, __u64 address, const void *from, size_t size)
{
	const struct iovec bytes = { (void *)from, size };
	const struct iovec into = { (void *)address, size };
	bool is_written = false;

	if (__atomic_add_fetch(&writers, 1, __ATOMIC_SEQ_CST) <= WRITERS_MAX &&
	    may_enter()) {
		is_written = process_vm_writev(tid, &bytes, 1, &into, 1, 0) ==
			     (ssize_t)size;
		leave();
	}
	__atomic_sub_fetch(&writers, 1, __ATOMIC_SEQ_CST);
	return is_written;
}

bool tnb_memory_read(const struct tnb_loader_event *event, void *to)
{
	const struct iovec from = { (void *)event->address, event->size };
	const struct iovec into = { to, event->size };
	bool is_read = false;

	if (may_enter()) {
		is_read = process_vm_readv((pid_t)event->tid, &into, 1, &from,
					   1, 0) == (ssize_t)event->size;
		leave();
	}
	return is_read;
}
