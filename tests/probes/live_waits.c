/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "live_waits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 300
/* Timeouts of sockets count ticks, and the first one is not whole. */
#define TICK_MS 10
#define MS 1000000LL

static const volatile unsigned int *check_now;
static struct live_waits seen;

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static int64_t monotonic_now(void)
{
	struct timespec now = { 0 };

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MS + now.tv_nsec;
}

static void judge_wait(int64_t begin, int result, unsigned int check)
{
	int64_t waited;

	if (result < 0 && errno == EINTR) {
		__atomic_add_fetch(&seen.interrupted, 1, __ATOMIC_RELAXED);
		return;
	}
	waited = monotonic_now() - begin;
	if (waited < (WAIT_MS - TICK_MS) * MS && check && check == *check_now) {
		__atomic_add_fetch(&seen.early, 1, __ATOMIC_RELAXED);
		seen.early_ms = waited / MS;
	}
}

/* A step forward makes a wait look longer, never shorter; a step back is asked
 * for while nobody checks. */
#define FOREVER(call)                             \
	do {                                      \
		unsigned int check = *check_now;  \
		int64_t begin = monotonic_now();  \
		int result = (int)(call);         \
                                                  \
		judge_wait(begin, result, check); \
	} while (1)

/* ---- With a timeout ------------------------------------------------------ */

static const struct timespec limit = { .tv_nsec = WAIT_MS * MS };

static void *wait_by_epoll(void *unused)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;

	(void)unused;
	FOREVER(epoll_wait(epoll, &event, 1, WAIT_MS));
	return NULL;
}

static void set_timeout(int fd, int option)
{
	const struct timeval time = { .tv_usec = WAIT_MS * 1000 };

	must(!setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)),
	     "setsockopt");
}

static void *wait_by_recv(void *unused)
{
	int ends[2];
	char byte;

	(void)unused;
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	set_timeout(ends[0], SO_RCVTIMEO);
	FOREVER(recv(ends[0], &byte, 1, 0));
	return NULL;
}

static void *wait_by_poll(void *unused)
{
	(void)unused;
	FOREVER(poll(NULL, 0, WAIT_MS));
	return NULL;
}

static void *wait_by_nanosleep(void *unused)
{
	(void)unused;
	FOREVER(nanosleep(&limit, NULL));
	return NULL;
}

static void *wait_for_signal(void *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	FOREVER(sigtimedwait(&set, NULL, &limit));
	return NULL;
}

/* A socket that listens under a name that the kernel chooses, in *name. */
static int make_listener(struct sockaddr_un *name, socklen_t *size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*size = sizeof(*name);
	must(fd >= 0 &&
		     !bind(fd, (struct sockaddr *)name, sizeof(sa_family_t)) &&
		     !listen(fd, 0) &&
		     !getsockname(fd, (struct sockaddr *)name, size),
	     "listen");
	return fd;
}

/* To which nobody connects. */
static int make_lonely_listener(void)
{
	struct sockaddr_un name;
	socklen_t size;
	int fd = make_listener(&name, &size);

	set_timeout(fd, SO_RCVTIMEO);
	return fd;
}

static void *wait_by_accept(void *unused)
{
	int fd = make_lonely_listener();

	(void)unused;
	FOREVER(accept(fd, NULL, NULL));
	return NULL;
}

static void *wait_by_accept4(void *unused)
{
	int fd = make_lonely_listener();

	(void)unused;
	FOREVER(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	return NULL;
}

/* To who never receives, and has no room left. */
static void *wait_by_sendmsg(void *unused)
{
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int ends[2];

	(void)unused;
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	while (sendmsg(ends[0], &message, MSG_DONTWAIT) == 1)
		;
	must(errno == EAGAIN, "sendmsg");
	set_timeout(ends[0], SO_SNDTIMEO);
	FOREVER(sendmsg(ends[0], &message, 0));
	return NULL;
}

/* The first one fills the queue of who never accepts. */
static void *wait_by_connect(void *unused)
{
	struct sockaddr_un name;
	socklen_t size;
	int first = socket(AF_UNIX, SOCK_STREAM, 0);
	int second = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	(void)make_listener(&name, &size);
	must(!connect(first, (struct sockaddr *)&name, size), "connect");
	set_timeout(second, SO_SNDTIMEO);
	FOREVER(connect(second, (struct sockaddr *)&name, size));
	return NULL;
}

static void *wait_by_semaphore(void *unused)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf take = { .sem_op = -1 };

	(void)unused;
	must(id >= 0, "semget");
	FOREVER(semtimedop(id, &take, 1, &limit));
	return NULL;
}

static void *wait_by_aio(void *unused)
{
	aio_context_t context = 0;
	struct io_event event;

	(void)unused;
	must(!syscall(SYS_io_setup, 1, &context), "io_setup");
	FOREVER(syscall(SYS_io_getevents, context, 1L, 1L, &event, &limit));
	return NULL;
}

/* ---- Without ------------------------------------------------------------- */

#define FOREVER_UNTIMED(call)                                    \
	do                                                       \
		if ((long)(call) < 0 && errno == EINTR)          \
			__atomic_add_fetch(&seen.interrupted, 1, \
					   __ATOMIC_RELAXED);    \
		else                                             \
			must(false, #call);                      \
	while (1)

static void *wait_for_pipe(void *unused)
{
	int ends[2];
	char byte;

	(void)unused;
	must(!pipe(ends), "pipe");
	FOREVER_UNTIMED(read(ends[0], &byte, 1));
	return NULL;
}

static void *wait_for_message(void *unused)
{
	struct {
		long type;
		char text[1];
	} message;
	int id = msgget(IPC_PRIVATE, 0600);

	(void)unused;
	must(id >= 0, "msgget");
	FOREVER_UNTIMED(msgrcv(id, &message, sizeof(message.text), 0, 0));
	return NULL;
}

static void *wait_for_queue(void *unused)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	char name[32], byte;
	mqd_t queue;

	(void)unused;
	snprintf(name, sizeof(name), "/live_waits.%d", (int)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	must(queue >= 0 && !mq_unlink(name), "mq_open");
	FOREVER_UNTIMED(mq_receive(queue, &byte, 1, NULL));
	return NULL;
}

static void *wait_for_ring(void *unused)
{
	struct io_uring_params parameters = { 0 };
	long ring = syscall(SYS_io_uring_setup, 1, &parameters);

	(void)unused;
	must(ring >= 0, "io_uring_setup");
	FOREVER_UNTIMED(syscall(SYS_io_uring_enter, ring, 0, 1,
				IORING_ENTER_GETEVENTS, NULL, 0));
	return NULL;
}

/* ---- All of them --------------------------------------------------------- */

int live_waits_begin(const volatile unsigned int *check)
{
	static void *(*const ways[])(void *) = {
		wait_by_epoll,	   wait_by_recv,    wait_by_poll,
		wait_by_nanosleep, wait_for_signal, wait_by_accept,
		wait_by_accept4,   wait_by_sendmsg, wait_by_connect,
		wait_by_semaphore, wait_by_aio,	    wait_for_pipe,
		wait_for_message,  wait_for_queue,  wait_for_ring,
	};
	pthread_t thread;

	check_now = check;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int err = pthread_create(&thread, NULL, ways[i], NULL);

		if (err)
			return -err;
	}
	return 0;
}

struct live_waits live_waits_told(void)
{
	return seen;
}
