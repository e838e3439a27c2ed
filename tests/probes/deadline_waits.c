/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doors that are one system call: it waits and returns. */
#define _GNU_SOURCE
#include "deadlines.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- clock_nanosleep ----------------------------------------------------- */

static long nanosleep_wait(struct trial *t)
{
	bool relative = t->door->flags & RELATIVE;

	return trial_call(t, t->clock->id, relative ? 0 : 1, (long)t->time, 0,
			  0, 0);
}

static long plain_nanosleep_wait(struct trial *t)
{
	return trial_call(t, (long)t->time, 0, 0, 0, 0, 0);
}

/* ---- Futexes ------------------------------------------------------------- */

enum {
	OP_WAIT = 0,
	OP_LOCK_PI = 6,
	OP_UNLOCK_PI = 7,
	OP_WAIT_BITSET = 9,
	OP_WAIT_REQUEUE_PI = 11,
	OP_CMP_REQUEUE_PI = 12,
	OP_LOCK_PI2 = 13,
	OP_PRIVATE = 128,
	OP_REALTIME = 256,
};
#define ALL_BITS 0xffffffffL

static int futex_begin(struct trial *t)
{
	t->words[0] = t->words[1] = 0;
	/* The watchdog's thread holds the locks: it can hand them over. */
	if (t->door->op == OP_LOCK_PI || t->door->op == OP_LOCK_PI2)
		t->words[0] = (uint32_t)watch_tid();
	return 0;
}

static long futex_wait(struct trial *t)
{
	long op = t->door->op | OP_PRIVATE;

	/* LOCK_PI is on REALTIME by itself, and refuses the flag. */
	if (t->clock->id == RAW_REALTIME && t->door->op != OP_LOCK_PI &&
	    !(t->door->flags & RELATIVE))
		op |= OP_REALTIME;
	return trial_call(t, (long)&t->words[0], op, 0, (long)t->time,
			  (long)&t->words[1], ALL_BITS);
}

static void pi_unlock(void *arg)
{
	struct trial *t = arg;

	trial_call(t, (long)&t->words[0], OP_UNLOCK_PI | OP_PRIVATE, 0, 0, 0,
		   0);
}

/* The second word is a free lock: who is requeued has it and is awake. */
static void pi_requeue(void *arg)
{
	struct trial *t = arg;

	trial_call(t, (long)&t->words[0], OP_CMP_REQUEUE_PI | OP_PRIVATE, 1, 0,
		   (long)&t->words[1], 0);
}

struct waitv {
	uint64_t value, address;
	uint32_t flags, reserved;
};
#define FUTEX2_U32_PRIVATE (2 | 128)

static long futex_waitv(struct trial *t)
{
	struct waitv waitv = { .address = (uintptr_t)&t->words[0],
			       .flags = FUTEX2_U32_PRIVATE };

	return trial_call(t, (long)&waitv, 1, 0, (long)t->time, t->clock->id,
			  0);
}

static long futex2_wait(struct trial *t)
{
	return trial_call(t, (long)&t->words[0], 0, ALL_BITS,
			  FUTEX2_U32_PRIVATE, (long)t->time, t->clock->id);
}

/* ---- Message queues ------------------------------------------------------ */

enum { MQ_EMPTY, MQ_FULL };

static int mq_begin(struct trial *t)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	char name[32];

	snprintf(name, sizeof(name), "tnb-deadlines-%d", (int)getpid());
	t->fd = (int)syscall(SYS_mq_open, name,
			     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
			     &attr);
	if (t->fd < 0)
		return -errno;
	syscall(SYS_mq_unlink, name);
	if (t->door->op == MQ_FULL && mq_send(t->fd, "x", 1, 0))
		return -errno;
	return 0;
}

static long mq_wait(struct trial *t)
{
	char *message = (char *)&t->words[0];

	return trial_call(t, t->fd, (long)message, 8, 0, (long)t->time, 0);
}

static void fd_finish(struct trial *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* ---- Relative waits, which are to stay as they are ----------------------- */

static long ppoll_wait(struct trial *t)
{
	return trial_call(t, 0, 0, (long)t->time, 0, 8, 0);
}

static long pselect_wait(struct trial *t)
{
	return trial_call(t, 0, 0, 0, 0, (long)t->time, 0);
}

static long sigtimedwait_wait(struct trial *t)
{
	/* A signal that nobody sends. */
	memset(t->words, 0, 16);
	t->words[0] = 1u << (SIGUSR2 - 1);
	return trial_call(t, (long)t->words, 0, (long)t->time, 8, 0, 0);
}

static int sem_begin(struct trial *t)
{
	t->fd = semget(IPC_PRIVATE, 1, 0600);
	return t->fd < 0 ? -errno : 0;
}

static long sem_wait_for(struct trial *t)
{
	struct sembuf sembuf = { .sem_num = 0, .sem_op = -1 };

	memcpy(t->words, &sembuf, sizeof(sembuf));
	return trial_call(t, t->fd, (long)t->words, 1, (long)t->time, 0, 0);
}

static void sem_finish(struct trial *t)
{
	if (t->fd >= 0)
		semctl(t->fd, 0, IPC_RMID);
	t->fd = -1;
}

static int epoll_begin(struct trial *t)
{
	t->fd = epoll_create1(EPOLL_CLOEXEC);
	return t->fd < 0 ? -errno : 0;
}

static long epoll_wait_for(struct trial *t)
{
	return trial_call(t, t->fd, (long)t->words, 1, (long)t->time, 0, 8);
}

/* ---- The table ----------------------------------------------------------- */

const struct door wait_doors[] = {
	{ .name = "clock_nanosleep",
	  .call = CALL_CLOCK_NANOSLEEP,
	  .clocks = R | M | B | TAI | RA | BA,
	  .wait = nanosleep_wait },
	{ .name = "futex_wait_bitset",
	  .call = CALL_FUTEX,
	  .clocks = R | M,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_wait,
	  .op = OP_WAIT_BITSET },
	{ .name = "futex_wait_requeue_pi",
	  .call = CALL_FUTEX,
	  .clocks = R | M,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_wait,
	  .end = pi_requeue,
	  .op = OP_WAIT_REQUEUE_PI },
	{ .name = "futex_lock_pi",
	  .call = CALL_FUTEX,
	  .clocks = R,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_wait,
	  .end = pi_unlock,
	  .op = OP_LOCK_PI },
	{ .name = "futex_lock_pi2",
	  .call = CALL_FUTEX,
	  .clocks = R | M,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_wait,
	  .end = pi_unlock,
	  .op = OP_LOCK_PI2 },
	{ .name = "futex_waitv",
	  .call = CALL_FUTEX_WAITV,
	  .clocks = R | M,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_waitv },
	{ .name = "futex2_wait",
	  .call = CALL_FUTEX_WAIT,
	  .clocks = R | M,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex2_wait },
	{ .name = "mq_timedreceive",
	  .call = CALL_MQ_RECEIVE,
	  .clocks = R,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = mq_begin,
	  .wait = mq_wait,
	  .finish = fd_finish,
	  .op = MQ_EMPTY },
	{ .name = "mq_timedsend",
	  .call = CALL_MQ_SEND,
	  .clocks = R,
	  .flags = NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = mq_begin,
	  .wait = mq_wait,
	  .finish = fd_finish,
	  .op = MQ_FULL },
	{ .name = "relative_clock_nanosleep",
	  .call = CALL_CLOCK_NANOSLEEP,
	  .clocks = R | M | B | TAI | RA | BA,
	  .flags = RELATIVE,
	  .wait = nanosleep_wait },
	{ .name = "relative_nanosleep",
	  .call = CALL_NANOSLEEP,
	  .clocks = M,
	  .flags = RELATIVE,
	  .wait = plain_nanosleep_wait },
	{ .name = "relative_futex_wait",
	  .call = CALL_FUTEX,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS,
	  .fired = -ETIMEDOUT,
	  .begin = futex_begin,
	  .wait = futex_wait,
	  .op = OP_WAIT },
	{ .name = "relative_ppoll",
	  .call = CALL_PPOLL,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS | WRITES_BACK,
	  .wait = ppoll_wait },
	{ .name = "relative_pselect6",
	  .call = CALL_PSELECT6,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS | WRITES_BACK,
	  .wait = pselect_wait },
	{ .name = "relative_rt_sigtimedwait",
	  .call = CALL_SIGTIMEDWAIT,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS,
	  .fired = -EAGAIN,
	  .wait = sigtimedwait_wait },
	{ .name = "relative_semtimedop",
	  .call = CALL_SEMTIMEDOP,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS,
	  .fired = -EAGAIN,
	  .begin = sem_begin,
	  .wait = sem_wait_for,
	  .finish = sem_finish },
	{ .name = "relative_epoll_pwait2",
	  .call = CALL_EPOLL_PWAIT2,
	  .clocks = M,
	  .flags = RELATIVE | NULL_WAITS,
	  .begin = epoll_begin,
	  .wait = epoll_wait_for,
	  .finish = fd_finish },
};
const int wait_door_count = sizeof(wait_doors) / sizeof(*wait_doors);
