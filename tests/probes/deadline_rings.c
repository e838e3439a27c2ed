/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doors of io_uring, by its system calls and its rings. */
#define _GNU_SOURCE
#include "deadlines.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers may be. */
#define ENTER_ABS_TIMER (1U << 5)
#define REGISTER_CLOCK 29
#define TIMEOUT_REALTIME (1U << 3)
#define LINK_TIMEOUT_UPDATE (1U << 4)
#define ENTER_EXT_ARG (1U << 3)

enum { THE_TIMEOUT = 1, THE_READ, THE_UPDATE };

/* ---- A ring -------------------------------------------------------------- */

static void *ring_map(int fd, size_t size, uint64_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);
}

static int ring_open(struct ring *ring, bool polled)
{
	struct io_uring_params params = { 0 };
	unsigned char *rings;

	memset(ring, 0, sizeof(*ring));
	ring->polled = polled;
	if (polled) {
		params.flags = IORING_SETUP_SQPOLL;
		params.sq_thread_idle = 1000;
	}
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &params);
	if (ring->fd < 0)
		return -errno;
	/* One mapping for both since 5.4. */
	ring->rings_size = params.cq_off.cqes +
			   params.cq_entries * sizeof(struct io_uring_cqe);
	ring->sqes_size = params.sq_entries * sizeof(struct io_uring_sqe);
	ring->rings = ring_map(ring->fd, ring->rings_size, IORING_OFF_SQ_RING);
	ring->sqes = ring_map(ring->fd, ring->sqes_size, IORING_OFF_SQES);
	if (ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED)
		return -ENOMEM;
	rings = ring->rings;
	ring->sq_tail = (unsigned *)(rings + params.sq_off.tail);
	ring->sq_mask = (unsigned *)(rings + params.sq_off.ring_mask);
	ring->sq_array = (unsigned *)(rings + params.sq_off.array);
	ring->cq_head = (unsigned *)(rings + params.cq_off.head);
	ring->cq_tail = (unsigned *)(rings + params.cq_off.tail);
	ring->cq_mask = (unsigned *)(rings + params.cq_off.ring_mask);
	ring->cqes = rings + params.cq_off.cqes;
	return 0;
}

static void ring_close(struct ring *ring)
{
	if (ring->fd < 0)
		return;
	munmap(ring->rings, ring->rings_size);
	munmap(ring->sqes, ring->sqes_size);
	close(ring->fd);
	ring->fd = -1;
}

/* Nothing is taken from the ring before the call that submits it. */
static void ring_put(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned tail = *ring->sq_tail, at = tail & *ring->sq_mask;

	((struct io_uring_sqe *)ring->sqes)[at] = *sqe;
	ring->sq_array[at] = at;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

/* The result of the request `data`, into `result`. */
static bool ring_take(struct ring *ring, uint64_t data, long *result)
{
	unsigned head = *ring->cq_head;
	bool found = false;

	while (!found &&
	       head != __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
		const struct io_uring_cqe *cqe =
			(struct io_uring_cqe *)ring->cqes +
			(head++ & *ring->cq_mask);

		found = cqe->user_data == data;
		*result = cqe->res;
	}
	__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	return found;
}

/* Submit and wait for the request `data`. */
static long ring_run(struct trial *t, unsigned submit, uint64_t data)
{
	unsigned flags = IORING_ENTER_GETEVENTS |
			 (t->ring.polled ? IORING_ENTER_SQ_WAKEUP : 0);
	long result = 0, ret;

	while (!ring_take(&t->ring, data, &result)) {
		if (watch_has_ended())
			return -EINTR;
		ret = trial_call(t, t->ring.fd, submit, 1, flags, 0, 0);
		submit = 0;
		if (ret < 0 && ret != -EINTR)
			return ret;
	}
	return result;
}

/* ---- Requests ------------------------------------------------------------ */

enum { TIMEOUT, POLLED, LINK, UPDATE, LINK_UPDATE, ENTER };

static unsigned clock_flag(const struct trial *t)
{
	if (t->clock->id == RAW_BOOTTIME)
		return IORING_TIMEOUT_BOOTTIME;
	return t->clock->id == RAW_REALTIME ? TIMEOUT_REALTIME : 0;
}

static struct io_uring_sqe timeout_of(uint8_t opcode, const void *time,
				      unsigned flags)
{
	return (struct io_uring_sqe){
		.opcode = opcode,
		.addr = (uintptr_t)time,
		.len = 1,
		.timeout_flags = flags,
		.user_data = THE_TIMEOUT,
	};
}

static unsigned own_flags(const struct trial *t)
{
	bool relative = t->door->flags & RELATIVE;

	return (relative ? 0 : IORING_TIMEOUT_ABS) | clock_flag(t);
}

static void put_read(struct trial *t)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ,
		.flags = IOSQE_IO_LINK,
		.fd = t->pipe[0],
		.addr = (uintptr_t)t->words,
		.len = 1,
		.off = UINT64_MAX,
		.user_data = THE_READ,
	};

	ring_put(&t->ring, &sqe);
}

static long timeout_wait(struct trial *t)
{
	struct io_uring_sqe sqe =
		timeout_of(IORING_OP_TIMEOUT, t->time, own_flags(t));

	ring_put(&t->ring, &sqe);
	return ring_run(t, 1, THE_TIMEOUT);
}

static long link_wait(struct trial *t)
{
	struct io_uring_sqe sqe =
		timeout_of(IORING_OP_LINK_TIMEOUT, t->time, own_flags(t));

	put_read(t);
	ring_put(&t->ring, &sqe);
	return ring_run(t, 2, THE_TIMEOUT);
}

/* First far away and relative, then what is to be tested. The timeout keeps
 * the clock that it was made with, an update cannot name one. */
static long update_wait(struct trial *t)
{
	struct time64 *hour = (struct time64 *)(t->words + 16);
	bool linked = t->door->op == LINK_UPDATE;
	struct io_uring_sqe sqe =
		timeout_of(linked ? IORING_OP_LINK_TIMEOUT : IORING_OP_TIMEOUT,
			   hour, clock_flag(t));
	struct io_uring_sqe update = {
		.opcode = IORING_OP_TIMEOUT_REMOVE,
		.addr = THE_TIMEOUT,
		.off = (uintptr_t)t->time,
		.timeout_flags = IORING_TIMEOUT_ABS | IORING_TIMEOUT_UPDATE |
				 (linked ? LINK_TIMEOUT_UPDATE : 0),
		.user_data = THE_UPDATE,
	};
	long ret;

	*hour = (struct time64){ 3600, 0 };
	if (linked)
		put_read(t);
	ring_put(&t->ring, &sqe);
	ret = trial_call(t, t->ring.fd, 1 + linked, 0, 0, 0, 0);
	if (ret < 0)
		return ret;
	ring_put(&t->ring, &update);
	ret = ring_run(t, 1, THE_UPDATE);
	return ret < 0 ? ret : ring_run(t, 0, THE_TIMEOUT);
}

struct getevents {
	uint64_t sigmask;
	uint32_t sigmask_size, min_wait;
	uint64_t time;
};

static long enter_wait(struct trial *t)
{
	struct getevents arg = { .time = (uintptr_t)t->time };
	bool relative = t->door->flags & RELATIVE;
	long flags = IORING_ENTER_GETEVENTS | ENTER_EXT_ARG |
		     (relative ? 0 : ENTER_ABS_TIMER);

	return trial_call(t, t->ring.fd, 0, 1, flags, (long)&arg, sizeof(arg));
}

static int ring_begin(struct trial *t)
{
	struct {
		uint32_t clock, reserved[3];
	} clock = { .clock = (uint32_t)t->clock->id };
	int ret = ring_open(&t->ring, t->door->op == POLLED);

	if (ret)
		return ret;
	if (pipe(t->pipe))
		return -errno;
	if (t->door->op == ENTER && t->clock->id != RAW_MONOTONIC &&
	    syscall(SYS_io_uring_register, t->ring.fd, REGISTER_CLOCK, &clock,
		    0))
		return -errno;
	return 0;
}

static void ring_finish(struct trial *t)
{
	if (t->pipe[0] >= 0) {
		close(t->pipe[0]);
		close(t->pipe[1]);
	}
	t->pipe[0] = -1;
	ring_close(&t->ring);
}

/* ---- The table ----------------------------------------------------------- */

#define RING(waits)                                                  \
	.call = CALL_IO_URING, .fired = -ETIME, .begin = ring_begin, \
	.wait = waits, .finish = ring_finish

const struct door ring_doors[] = {
	{ RING(timeout_wait), .name = "io_uring_timeout", .clocks = R | M | B,
	  .op = TIMEOUT },
	{ RING(timeout_wait), .name = "io_uring_sqpoll_timeout",
	  .clocks = R | M | B, .op = POLLED },
	{ RING(link_wait), .name = "io_uring_link_timeout", .clocks = R | M | B,
	  .op = LINK },
	{ RING(update_wait), .name = "io_uring_update", .clocks = R | M | B,
	  .op = UPDATE },
	{ RING(update_wait), .name = "io_uring_link_update",
	  .clocks = R | M | B, .op = LINK_UPDATE },
	{ RING(enter_wait), .name = "io_uring_enter", .clocks = M | B,
	  .flags = NULL_WAITS | ABSENT_IF_EINVAL, .op = ENTER },
	{ RING(timeout_wait), .name = "relative_io_uring_timeout",
	  .clocks = R | M | B, .flags = RELATIVE, .op = TIMEOUT },
	{ RING(link_wait), .name = "relative_io_uring_link_timeout",
	  .clocks = R | M | B, .flags = RELATIVE, .op = LINK },
	{ RING(enter_wait), .name = "relative_io_uring_enter", .clocks = M,
	  .flags = RELATIVE | NULL_WAITS, .op = ENTER },
};
const int ring_door_count = sizeof(ring_doors) / sizeof(*ring_doors);
