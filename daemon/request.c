/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a request may have, so that a surplus one is seen. */
#define FDS_MAX 4

__attribute__((format(printf, 3, 4))) static int
refuse(int err, struct reason *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
	return err;
}

/* ---- The sender ---------------------------------------------------------- */

/*
 * Root of a container whose user namespace maps 0 to 0 has the daemon's uid 0,
 * but none of its rights. The process id may have been reused by now, but only
 * if the process that uid 0 let connect ended before this look.
 */
static bool is_in_our_user_namespace(pid_t pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return !stat("/proc/self/ns/user", &own) && !stat(path, &other) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

int request_check_peer(int fd, pid_t *pid, struct reason *reason)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	*pid = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return refuse(-EPERM, reason, "the sender cannot be told: %s",
			      strerror(errno));
	*pid = peer.pid;
	if (peer.uid)
		return refuse(-EPERM, reason, "it is user %u, not root",
			      peer.uid);
	if (!is_in_our_user_namespace(peer.pid))
		return refuse(
			-EPERM, reason,
			"it has ended, or is root of another user namespace");
	return 0;
}

/* ---- The message --------------------------------------------------------- */

static int check_header(const struct tnb_control_header *header, size_t length,
			bool longer, struct reason *reason)
{
	const unsigned int wanted = sizeof(struct tnb_control_request);

	if (length < sizeof(*header))
		return refuse(-EPROTO, reason,
			      "it is too short: %zu bytes, wanted %u", length,
			      wanted);
	if (header->magic != TNB_CONTROL_MAGIC)
		return refuse(-EPROTO, reason,
			      "it does not begin as ours do (0x%08x)",
			      header->magic);
	if (header->version != TNB_CONTROL_VERSION)
		return refuse(-EPROTO, reason,
			      "it is of control version %u, this is version %u",
			      header->version, TNB_CONTROL_VERSION);
	if (longer)
		return refuse(-EPROTO, reason,
			      "it is too long: more than %u bytes", wanted);
	if (length < wanted)
		return refuse(-EPROTO, reason,
			      "it is too short: %zu bytes, wanted %u", length,
			      wanted);
	if (header->size != wanted)
		return refuse(-EPROTO, reason, "it says %u bytes and has %u",
			      header->size, wanted);
	return 0;
}

/* A setting of a clock: what this version has no meaning for is 0. */
static bool is_valid_setting(const struct tnb_clock_setting *setting,
			     unsigned int clock)
{
	enum tnb_setting most = clock == TNB_REALTIME ? TNB_SET_DATE
						      : TNB_SET_OFFSET;

	return setting->how <= most && !setting->mode && !setting->rate &&
	       !setting->source && !setting->reserved &&
	       (setting->how != TNB_SET_NOTHING || !setting->ns);
}

static bool are_valid_settings(const struct tnb_control_request *message)
{
	static const struct tnb_clock_settings none;

	if (message->header.op != TNB_CONTROL_SET)
		return !memcmp(&message->settings, &none, sizeof(none));
	if (message->settings.size != sizeof(none) ||
	    message->settings.reserved)
		return false;
	for (unsigned int i = 0; i < TNB_CLOCKS; i++)
		if (!is_valid_setting(&message->settings.clock[i], i))
			return false;
	return true;
}

static bool has_valid_fields(const struct tnb_control_request *message)
{
	bool changes = message->header.op != TNB_CONTROL_STATUS;

	if (message->flags & ~(changes ? TNB_CONTROL_FORCE : 0))
		return false;
	return !message->unused && are_valid_settings(message);
}

static int check_message(const struct tnb_control_request *message, int fds,
			 struct reason *reason)
{
	int wanted = 1;

	switch (message->header.op) {
	case TNB_CONTROL_SET:
	case TNB_CONTROL_UNSET:
		break;
	case TNB_CONTROL_STATUS:
		wanted = 0;
		break;
	default:
		return refuse(-EPROTO, reason, "there is no operation %u",
			      message->header.op);
	}
	if (fds != wanted)
		return refuse(
			-EPROTO, reason,
			"operation %u comes with %d descriptors, not with %d",
			message->header.op, wanted, fds);
	if (!has_valid_fields(message))
		return refuse(-EPROTO, reason,
			      "a field of operation %u has no meaning",
			      message->header.op);
	return 0;
}

/* Returns the number of descriptors that came; the first stays open. */
static int take_fds(struct msghdr *message, int *first)
{
	int count = 0;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at;
	     at = CMSG_NXTHDR(message, at)) {
		size_t size = at->cmsg_len - CMSG_LEN(0);

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(at) + i, sizeof(fd));
			if (count++)
				close(fd);
			else
				*first = fd;
		}
	}
	return message->msg_flags & MSG_CTRUNC ? FDS_MAX + 1 : count;
}

int request_receive(int fd, struct request *request, struct reason *reason)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} rights;
	struct iovec data = { .iov_base = &request->message,
			      .iov_len = sizeof(request->message) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &rights,
				  .msg_controllen = sizeof(rights) };
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fds, err;

	request->cgroup = -1;
	if (length < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (length < 0)
		return refuse(-EPROTO, reason, "it cannot be read: %s",
			      strerror(errno));
	fds = take_fds(&message, &request->cgroup);
	err = length ? check_header(&request->message.header, (size_t)length,
				    message.msg_flags & MSG_TRUNC, reason)
		     : refuse(-EPROTO, reason,
			      "it is empty, or the connection was closed");
	if (!err)
		err = check_message(&request->message, fds, reason);
	if (err && request->cgroup >= 0)
		close(request->cgroup);
	return err;
}
