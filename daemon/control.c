/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "control.h"

#include "journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* How long no connection is accepted after accept() has failed: the next call
 * would fail at once. */
#define PAUSE_USEC 200000
/* How late a timer may fire. */
#define ACCURACY_USEC 10000

enum state {
	IS_FREE,
	TALKS, /* its request is yet to come */
	WAITS, /* for its turn */
	WORKS, /* the worker has its request */
};

struct connection {
	struct control *control;
	enum state state;
	int fd;
	pid_t pid;
	uint64_t turn; /* WAITS: the lowest is next */
	struct request request;
	/* Requests and the client's end: TALKS, WAITS. The time limit: TALKS.
	 */
	sd_event_source *io, *limit;
};

struct control {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	sd_event *event; /* borrowed */
	int listener;
	sd_event_source *accepting, *pause, *worker_done;
	uint64_t turns; /* so far */
	struct connection connection[CONTROL_CONNECTIONS];
	struct worker worker;
};

static void give_turn(struct control *control);

/* ---- A connection -------------------------------------------------------- */

static void stop_watching(struct connection *connection)
{
	connection->io = sd_event_source_disable_unref(connection->io);
	connection->limit = sd_event_source_disable_unref(connection->limit);
}

static void disconnect(struct connection *connection)
{
	stop_watching(connection);
	if (connection->state == WAITS && connection->request.cgroup >= 0)
		close(connection->request.cgroup);
	close(connection->fd);
	connection->state = IS_FREE;
}

/* Never waits: an answer that the client does not read is lost. */
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
	disconnect(connection);
}

/* From now on only the client's end is of interest. */
static void wait_for_turn(struct connection *connection)
{
	struct control *control = connection->control;

	connection->state = WAITS;
	connection->turn = control->turns++;
	connection->limit = sd_event_source_disable_unref(connection->limit);
	(void)sd_event_source_set_io_events(connection->io, 0);
	give_turn(control);
}

static void receive(struct connection *connection)
{
	struct reason reason;
	int err =
		request_receive(connection->fd, &connection->request, &reason);

	if (err == -EAGAIN)
		return;
	if (err) {
		refuse(connection->fd, connection->pid, "a message", err,
		       reason.text);
		disconnect(connection);
	} else if (connection->request.message.header.op ==
		   TNB_CONTROL_STATUS) {
		tell_status(connection->control, connection);
	} else {
		wait_for_turn(connection);
	}
}

static int on_connection(sd_event_source *source, int fd, uint32_t events,
			 void *userdata)
{
	struct connection *connection = userdata;

	(void)source, (void)fd, (void)events;
	if (connection->state == TALKS) {
		receive(connection);
	} else if (connection->state == WAITS) {
		journal(LOG_NOTICE, "control: process %d left before its turn",
			connection->pid);
		disconnect(connection);
	}
	return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct connection *connection = userdata;

	(void)source, (void)usec;
	refuse(connection->fd, connection->pid, "the connection", -ETIMEDOUT,
	       "no request within 2 s");
	disconnect(connection);
	return 0;
}

/* ---- Accepting ----------------------------------------------------------- */

static struct connection *find_free(struct control *control)
{
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		if (control->connection[i].state == IS_FREE)
			return &control->connection[i];
	return NULL;
}

static int start_watching(struct connection *connection, int fd)
{
	sd_event *event = connection->control->event;
	int err = sd_event_add_io(event, &connection->io, fd, EPOLLIN,
				  on_connection, connection);

	if (err >= 0)
		err = sd_event_add_time_relative(
			event, &connection->limit, CLOCK_MONOTONIC,
			CONTROL_TALK_MS * 1000, ACCURACY_USEC, on_limit,
			connection);
	if (err < 0)
		stop_watching(connection);
	return err < 0 ? err : 0;
}

/* Returns 0 if the connection has a place and may send a request. */
static int admit(struct control *control, int fd)
{
	struct connection *connection = find_free(control);
	struct reason reason;
	pid_t pid;

	if (request_check_peer(fd, &pid, &reason)) {
		refuse(fd, pid, "the connection", -EPERM, reason.text);
		return -EPERM;
	}
	if (connection)
		*connection = (struct connection){
			.control = control,
			.fd = fd,
			.pid = pid,
		};
	if (!connection || start_watching(connection, fd)) {
		refuse(fd, pid, "the connection", -EBUSY,
		       "there are too many at once");
		return -EBUSY;
	}
	connection->state = TALKS;
	return 0;
}

static int on_pause_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *control = userdata;

	(void)source, (void)usec;
	(void)sd_event_source_set_enabled(control->accepting, SD_EVENT_ON);
	return 0;
}

static void pause_accepting(struct control *control, int err)
{
	journal(LOG_ERR, "control: cannot accept a connection: %s",
		strerror(err));
	(void)sd_event_source_set_enabled(control->accepting, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(control->pause, PAUSE_USEC);
	(void)sd_event_source_set_enabled(control->pause, SD_EVENT_ONESHOT);
}

/* One at a time: while there are more, this is called again. */
static int on_listener(sd_event_source *source, int listener, uint32_t events,
		       void *userdata)
{
	struct control *control = userdata;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)source, (void)events;
	if (fd >= 0) {
		if (admit(control, fd))
			close(fd);
	} else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
		pause_accepting(control, errno);
	}
	return 0;
}

/* ---- Turns --------------------------------------------------------------- */

static struct connection *first_in(struct control *control, enum state state)
{
	struct connection *found = NULL;

	for (int i = 0; i < CONTROL_CONNECTIONS; i++) {
		struct connection *one = &control->connection[i];

		if (one->state == state && (!found || one->turn < found->turn))
			found = one;
	}
	return found;
}

/* A client that cannot be told that its turn has come has left, and may carry
 * out the request by itself (invariant C2). */
static void give_turn(struct control *control)
{
	struct connection *next;

	while (worker_is_idle(&control->worker) &&
	       (next = first_in(control, WAITS))) {
		if (answer_with(next->fd, TNB_CONTROL_ACCEPTED, NULL)) {
			journal(LOG_NOTICE,
				"control: process %d left before its turn",
				next->pid);
			disconnect(next);
			continue;
		}
		stop_watching(next);
		next->state = WORKS;
		worker_give(&control->worker, &next->request);
	}
}

static void end_turn(struct control *control)
{
	struct connection *connection = first_in(control, WORKS);
	struct tnb_control_answer answer;

	if (!worker_take(&control->worker, &answer) || !connection)
		return;
	if (answer_with(connection->fd, TNB_CONTROL_DONE, &answer))
		journal(LOG_NOTICE,
			"control: process %d left before its answer",
			connection->pid);
	disconnect(connection);
}

static int on_worker_done(sd_event_source *source, int fd, uint32_t events,
			  void *userdata)
{
	struct control *control = userdata;
	eventfd_t jobs;

	(void)source, (void)events;
	(void)!eventfd_read(fd, &jobs);
	end_turn(control);
	give_turn(control);
	return 0;
}

/* ---- Start and end ------------------------------------------------------- */

/* The socket gets its name only when it listens, and only root may use it. */
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

/* The pause's timer needs a descriptor, of which later there may be none. */
static int watch_fds(struct control *control)
{
	int err = sd_event_add_io(control->event, &control->accepting,
				  control->listener, EPOLLIN, on_listener,
				  control);

	if (err >= 0)
		err = sd_event_add_io(control->event, &control->worker_done,
				      control->worker.done, EPOLLIN,
				      on_worker_done, control);
	if (err >= 0)
		err = sd_event_add_time(control->event, &control->pause,
					CLOCK_MONOTONIC, 0, ACCURACY_USEC,
					on_pause_end, control);
	if (err >= 0)
		err = sd_event_source_set_enabled(control->pause, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

static int start(struct control *control, worker_carry_out carry_out)
{
	int err = worker_start(&control->worker, carry_out);

	if (err)
		return err;
	control->listener = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listener < 0)
		return -errno;
	err = bind_socket(control);
	return err ? err : watch_fds(control);
}

int control_open(struct control **out, sd_event *event, const char *path,
		 worker_carry_out carry_out)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	control->event = event;
	control->listener = -1;
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
	sd_event_source_disable_unref(control->accepting);
	sd_event_source_disable_unref(control->pause);
	sd_event_source_disable_unref(control->worker_done);
	if (control->listener >= 0) {
		unlink(control->path);
		close(control->listener);
	}
	worker_stop(&control->worker);
	end_turn(control);
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		if (control->connection[i].state != IS_FREE)
			disconnect(&control->connection[i]);
	free(control);
}
