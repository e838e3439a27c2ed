/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "control.h"

#include "journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* How long nobody is accepted after accept() has failed: it would at once fail
 * again. */
#define DEAF_MS 200

enum state {
	IS_FREE,
	TALKS, /* its request is yet to come */
	WAITS, /* for its turn */
	WORKS, /* the worker has its request */
};

struct connection {
	enum state state;
	int fd;
	pid_t pid;
	int64_t until_ms; /* TALKS: then it is let go of */
	uint64_t turn;	  /* WAITS: who is the least is next */
	struct request request;
};

struct control {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int epoll, listener;
	int64_t deaf_until_ms; /* 0: it hears */
	uint64_t turns;	       /* so far */
	struct connection connection[CONTROL_CONNECTIONS];
	struct worker worker;
};

/* What an event is about: a connection by its index, or */
enum { AT_LISTENER = CONTROL_CONNECTIONS, AT_WORKER, AT_ALL };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Without events, the end of a connection is told all the same. */
static int watch_fd(struct control *control, int how, int fd, unsigned int at,
		    uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = at };

	return epoll_ctl(control->epoll, how, fd, &event) ? -errno : 0;
}

/* ---- A connection -------------------------------------------------------- */

static void let_go(struct connection *connection)
{
	if (connection->state == WAITS && connection->request.cgroup >= 0)
		close(connection->request.cgroup);
	close(connection->fd);
	connection->state = IS_FREE;
}

/* Never waits: what a client does not read is lost to it. */
static int answer_with(int fd, enum tnb_control_op op,
		       const struct tnb_control_answer *answer)
{
	struct tnb_control_answer message = { 0 };

	if (answer)
		message = *answer;
	message.header = (struct tnb_control_header){
		.magic = TNB_CONTROL_MAGIC,
		.version = TNB_CONTROL_VERSION,
		.size = sizeof(message),
		.op = op,
	};
	return send(fd, &message, sizeof(message),
		    MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(message)
		       ? 0
		       : -errno;
}

static void refuse(int fd, pid_t pid, const char *what, int err,
		   const char *why)
{
	struct tnb_control_answer answer = { .result = err };

	journal(LOG_WARNING, "control: %s of process %d refused: %s", what, pid,
		why);
	snprintf(answer.text, sizeof(answer.text), "%s", why);
	(void)answer_with(fd, TNB_CONTROL_REFUSED, &answer);
}

/* At once, also while a change is under way. */
static void tell_status(struct control *control, struct connection *connection)
{
	struct tnb_control_answer answer = { 0 };

	snprintf(answer.text, sizeof(answer.text), "version %s serves, %s",
		 tnb_version(),
		 worker_is_idle(&control->worker) ? "idle" : "changes a rule");
	if (!answer_with(connection->fd, TNB_CONTROL_ACCEPTED, NULL))
		(void)answer_with(connection->fd, TNB_CONTROL_DONE, &answer);
	let_go(connection);
}

static void hear(struct control *control, unsigned int index)
{
	struct connection *connection = &control->connection[index];
	struct reason reason;
	int err =
		request_receive(connection->fd, &connection->request, &reason);

	if (err == -EAGAIN)
		return;
	if (err) {
		refuse(connection->fd, connection->pid, "a message", err,
		       reason.text);
		let_go(connection);
	} else if (connection->request.message.header.op ==
		   TNB_CONTROL_STATUS) {
		tell_status(control, connection);
	} else {
		connection->state = WAITS;
		connection->turn = control->turns++;
		(void)watch_fd(control, EPOLL_CTL_MOD, connection->fd, index,
			       0);
	}
}

/* ---- Accepting ----------------------------------------------------------- */

static int find_free(const struct control *control)
{
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		if (control->connection[i].state == IS_FREE)
			return i;
	return -ENOSPC;
}

/* Returns 0 if it has a place and may talk. */
static int admit(struct control *control, int fd)
{
	struct reason reason;
	int index = find_free(control);
	pid_t pid;

	if (request_check_peer(fd, &pid, &reason)) {
		refuse(fd, pid, "the connection", -EPERM, reason.text);
		return -EPERM;
	}
	if (index < 0 || watch_fd(control, EPOLL_CTL_ADD, fd,
				  (unsigned int)index, EPOLLIN)) {
		refuse(fd, pid, "the connection", -EBUSY,
		       "there are too many at once");
		return -EBUSY;
	}
	control->connection[index] = (struct connection){
		.state = TALKS,
		.fd = fd,
		.pid = pid,
		.until_ms = now_ms() + CONTROL_TALK_MS,
	};
	return 0;
}

static void be_deaf(struct control *control, int err)
{
	journal(LOG_ERR, "control: cannot accept a connection: %s",
		strerror(err));
	control->deaf_until_ms = now_ms() + DEAF_MS;
	(void)watch_fd(control, EPOLL_CTL_MOD, control->listener, AT_LISTENER,
		       0);
}

static void hear_again(struct control *control)
{
	control->deaf_until_ms = 0;
	(void)watch_fd(control, EPOLL_CTL_MOD, control->listener, AT_LISTENER,
		       EPOLLIN);
}

/* One at a time: with more the loop comes again. */
static void accept_one(struct control *control)
{
	int fd = accept4(control->listener, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (admit(control, fd))
			close(fd);
	} else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
		be_deaf(control, errno);
	}
}

/* ---- Turns --------------------------------------------------------------- */

static struct connection *who(struct control *control, enum state state)
{
	struct connection *found = NULL;

	for (int i = 0; i < CONTROL_CONNECTIONS; i++) {
		struct connection *one = &control->connection[i];

		if (one->state == state && (!found || one->turn < found->turn))
			found = one;
	}
	return found;
}

/* Who cannot be told that its turn has come has left, and may do it by itself
 * (invariant C2). */
static void give_turn(struct control *control)
{
	struct connection *next;

	while (worker_is_idle(&control->worker) &&
	       (next = who(control, WAITS))) {
		if (answer_with(next->fd, TNB_CONTROL_ACCEPTED, NULL)) {
			journal(LOG_NOTICE,
				"control: process %d left before its turn",
				next->pid);
			let_go(next);
			continue;
		}
		epoll_ctl(control->epoll, EPOLL_CTL_DEL, next->fd, NULL);
		next->state = WORKS;
		worker_give(&control->worker, &next->request);
	}
}

static void end_turn(struct control *control)
{
	struct connection *connection = who(control, WORKS);
	struct tnb_control_answer answer;

	if (!worker_take(&control->worker, &answer) || !connection)
		return;
	if (answer_with(connection->fd, TNB_CONTROL_DONE, &answer))
		journal(LOG_NOTICE,
			"control: process %d left before its answer",
			connection->pid);
	let_go(connection);
}

/* ---- The loop ------------------------------------------------------------ */

static void serve_connection(struct control *control, unsigned int index)
{
	struct connection *connection = &control->connection[index];

	if (connection->state == TALKS) {
		hear(control, index);
	} else if (connection->state == WAITS) {
		journal(LOG_NOTICE, "control: process %d left before its turn",
			connection->pid);
		let_go(connection);
	}
}

static void serve_event(struct control *control, unsigned int at)
{
	eventfd_t jobs;

	if (at == AT_LISTENER) {
		accept_one(control);
	} else if (at == AT_WORKER) {
		(void)!eventfd_read(control->worker.done, &jobs);
		end_turn(control);
	} else {
		serve_connection(control, at);
	}
}

static void let_go_of_the_silent(struct control *control)
{
	int64_t now = now_ms();

	for (int i = 0; i < CONTROL_CONNECTIONS; i++) {
		struct connection *one = &control->connection[i];

		if (one->state != TALKS || one->until_ms > now)
			continue;
		refuse(one->fd, one->pid, "the connection", -ETIMEDOUT,
		       "it says nothing");
		let_go(one);
	}
	if (control->deaf_until_ms && control->deaf_until_ms <= now)
		hear_again(control);
}

void control_serve(struct control *control)
{
	struct epoll_event events[AT_ALL];
	int count = epoll_wait(control->epoll, events, AT_ALL, 0);

	for (int i = 0; i < count; i++)
		serve_event(control, events[i].data.u32);
	let_go_of_the_silent(control);
	give_turn(control);
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

int control_pause_ms(const struct control *control)
{
	int64_t first = control->deaf_until_ms, now = now_ms();

	for (int i = 0; i < CONTROL_CONNECTIONS; i++) {
		const struct connection *one = &control->connection[i];

		if (one->state == TALKS && (!first || one->until_ms < first))
			first = one->until_ms;
	}
	if (!first)
		return -1;
	return first > now ? (int)(first - now) : 0;
}

/* ---- Start and end ------------------------------------------------------- */

/* It has its name only once it can be used, and by root alone. */
static int bind_socket(struct control *control)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat stale;

	if (!lstat(control->path, &stale))
		journal(LOG_NOTICE, "control: %s of a predecessor is swept",
			control->path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.*s.new",
		 (int)sizeof(address.sun_path) - 5, control->path);
	unlink(address.sun_path);
	if (bind(control->listener, (const struct sockaddr *)&address,
		 sizeof(address)) ||
	    chmod(address.sun_path, 0600) ||
	    listen(control->listener, CONTROL_CONNECTIONS) ||
	    rename(address.sun_path, control->path))
		return -errno;
	return 0;
}

static int start(struct control *control, worker_carry_out carry_out)
{
	int err = worker_start(&control->worker, carry_out);

	if (err)
		return err;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	control->listener = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->epoll < 0 || control->listener < 0)
		return -errno;
	err = bind_socket(control);
	if (!err)
		err = watch_fd(control, EPOLL_CTL_ADD, control->listener,
			       AT_LISTENER, EPOLLIN);
	if (!err)
		err = watch_fd(control, EPOLL_CTL_ADD, control->worker.done,
			       AT_WORKER, EPOLLIN);
	return err;
}

int control_open(struct control **out, const char *path,
		 worker_carry_out carry_out)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	control->epoll = control->listener = -1;
	snprintf(control->path, sizeof(control->path), "%s", path);
	err = start(control, carry_out);
	if (err) {
		journal(LOG_ERR, "control: cannot listen at %s: %s", path,
			strerror(-err));
		control_close(&control);
	} else {
		*out = control;
	}
	return err;
}

void control_close(struct control **handle)
{
	struct control *control = *handle;

	*handle = NULL;
	if (!control)
		return;
	if (control->listener >= 0) {
		unlink(control->path);
		close(control->listener);
	}
	worker_stop(&control->worker);
	end_turn(control);
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		if (control->connection[i].state != IS_FREE)
			let_go(&control->connection[i]);
	if (control->epoll >= 0)
		close(control->epoll);
	free(control);
}
