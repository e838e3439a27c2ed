/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "client.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <abi/control.h>

/* As long as callers wait for the lock where no daemon runs (kernel/pins.c).
 * Tests set less. */
#ifndef ACCEPTED_MS
#define ACCEPTED_MS 10000
#endif
/* Longer than a change can take in the daemon: the wait for the lock, twice
 * CONVERGE_MOST_NS of process/converge.c, and then a look at each process. */
#define DONE_MS 120000

/* With a limit: the queue of a daemon that is stopped may be full. */
static int connect_daemon(void)
{
	const struct timeval limit = { .tv_sec = ACCEPTED_MS / 1000 };
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
					     .sun_path = TNB_CONTROL_PATH };
	_cleanup_close_
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return TAKE_FD(fd);
}

static int send_request(int fd, int cgroup,
			const struct tnb_control_request *request)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} rights = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				 .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { .iov_base = (void *)(uintptr_t)request,
			      .iov_len = sizeof(*request) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (cgroup >= 0) {
		memcpy(CMSG_DATA(&rights.header), &cgroup, sizeof(cgroup));
		message.msg_control = &rights;
		message.msg_controllen = sizeof(rights);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) == sizeof(*request) ? 0
								       : -EPIPE;
}

static bool is_answer(const struct tnb_control_answer *answer, ssize_t length)
{
	return length == sizeof(*answer) &&
	       answer->header.magic == TNB_CONTROL_MAGIC &&
	       answer->header.version == TNB_CONTROL_VERSION &&
	       answer->header.size == sizeof(*answer);
}

/* 0; -EAGAIN: no answer has come yet; or -EPROTO. */
static int receive(int fd, struct tnb_control_answer *answer)
{
	ssize_t length = recv(fd, answer, sizeof(*answer), MSG_DONTWAIT);

	if (length < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (!is_answer(answer, length))
		return -EPROTO;
	answer->text[sizeof(answer->text) - 1] = '\0';
	return 0;
}

/* The limit is poll's: this request may make CLOCK_MONOTONIC step. */
static int wait_answer(int fd, int limit_ms, struct tnb_control_answer *answer)
{
	struct pollfd wake = { .fd = fd, .events = POLLIN };

	while (poll(&wake, 1, limit_ms) < 0 && errno == EINTR)
		;
	return receive(fd, answer);
}

/* Invariant C2: after shutdown() nothing can arrive any more, and what arrived
 * before can still be read, even after the ECONNRESET of a daemon that ended
 * without reading the request. */
static bool was_accepted(int fd, int err,
			 const struct tnb_control_answer *answer)
{
	struct tnb_control_answer last;

	if (!err)
		return answer->header.op == TNB_CONTROL_ACCEPTED;
	shutdown(fd, SHUT_RDWR);
	return !receive(fd, &last) && last.header.op == TNB_CONTROL_ACCEPTED;
}

int tnb_client_ask(int fd, int cgroup,
		   const struct tnb_control_request *request,
		   struct tnb_control_answer *answer)
{
	int err = send_request(fd, cgroup, request);

	if (!err)
		err = wait_answer(fd, ACCEPTED_MS, answer);
	if (!was_accepted(fd, err, answer)) {
		tnb_log_debug("timensbpfd did not take the request: %s",
			      err ? strerror(-err) : answer->text);
		return TNB_CLIENT_NO_DAEMON;
	}
	if (!err)
		err = wait_answer(fd, DONE_MS, answer);
	if (!err && answer->header.op == TNB_CONTROL_DONE)
		return 0;
	return tnb_fail(
		err == -EAGAIN ? -ETIMEDOUT : -EIO,
		"timensbpfd took the request and %s: 'timensbpf show' tells what is in force",
		err == -EAGAIN ? "does not end it" : "ended");
}

static int ask_daemon(int cgroup, const struct tnb_control_request *request,
		      struct tnb_control_answer *answer)
{
	_cleanup_close_
	int fd = connect_daemon();

	if (fd < 0) {
		tnb_log_debug("no timensbpfd: %s", strerror(-fd));
		return TNB_CLIENT_NO_DAEMON;
	}
	return tnb_client_ask(fd, cgroup, request, answer);
}

static struct tnb_control_request request_of(enum tnb_control_op op)
{
	return (struct tnb_control_request){
		.header = { .magic = TNB_CONTROL_MAGIC,
			    .version = TNB_CONTROL_VERSION,
			    .size = sizeof(struct tnb_control_request),
			    .op = op },
	};
}

int tnb_client_change(int cgroup, const struct tnb_clock_settings *settings,
		      unsigned int flags, struct tnb_change_result *result)
{
	struct tnb_control_request request =
		request_of(settings ? TNB_CONTROL_SET : TNB_CONTROL_UNSET);
	struct tnb_control_answer answer;
	int err;

	request.flags = flags & TNB_FORCE ? TNB_CONTROL_FORCE : 0;
	if (settings)
		request.settings = *settings;
	err = ask_daemon(cgroup, &request, &answer);
	if (err)
		return err;
	if (answer.result)
		return tnb_fail(answer.result, "%s", answer.text);
	if (result)
		*result = answer.change;
	return 0;
}

bool tnb_client_status(char *line, size_t size)
{
	const struct tnb_control_request request =
		request_of(TNB_CONTROL_STATUS);
	struct tnb_control_answer answer;

	if (ask_daemon(-1, &request, &answer) || answer.result)
		return false;
	snprintf(line, size, "%s", answer.text);
	return true;
}
