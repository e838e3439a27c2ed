/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../seqpacket.h"
#include "daemon/request.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void send_with_fds(const void *bytes, size_t length, int fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} rights = { .header = { .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { .iov_base = (void *)(uintptr_t)bytes,
			      .iov_len = length };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	for (int i = 0; i < fds; i++)
		memcpy(CMSG_DATA(&rights.header) + (size_t)i * sizeof(int),
		       &ends[0], sizeof(int));
	if (fds) {
		rights.header.cmsg_len = CMSG_LEN((size_t)fds * sizeof(int));
		message.msg_control = &rights;
		message.msg_controllen = rights.header.cmsg_len;
	}
	assert_int_equal(sendmsg(ends[0], &message, 0), length);
}

static struct tnb_control_request sound(enum tnb_control_op op)
{
	struct tnb_control_request request = {
		.header = { TNB_CONTROL_MAGIC, TNB_CONTROL_VERSION,
			    sizeof(struct tnb_control_request), op },
	};

	if (op == TNB_CONTROL_SET)
		request.settings.size = sizeof(request.settings);
	return request;
}

static void sound_ones_are_taken(void **state)
{
	struct tnb_control_request set = sound(TNB_CONTROL_SET);
	struct tnb_control_request unset = sound(TNB_CONTROL_UNSET);
	struct tnb_control_request status = sound(TNB_CONTROL_STATUS);
	struct request request;
	struct reason reason;

	(void)state;
	set.settings.clock[0].how = TNB_SET_DATE;
	set.settings.clock[2].how = TNB_SET_OFFSET;
	set.settings.clock[2].ns = -5;
	unset.flags = TNB_CONTROL_FORCE;
	send_with_fds(&set, sizeof(set), 1);
	assert_int_equal(request_receive(ends[1], &request, &reason), 0);
	assert_memory_equal(&request.message, &set, sizeof(set));
	assert_true(fcntl(request.cgroup, F_GETFD) & FD_CLOEXEC);
	close(request.cgroup);
	send_with_fds(&unset, sizeof(unset), 1);
	assert_int_equal(request_receive(ends[1], &request, &reason), 0);
	close(request.cgroup);
	send_with_fds(&status, sizeof(status), 0);
	assert_int_equal(request_receive(ends[1], &request, &reason), 0);
	assert_int_equal(request.cgroup, -1);
}

static void nothing_yet_is_no_refusal(void **state)
{
	struct request request;
	struct reason reason;

	(void)state;
	assert_int_equal(request_receive(ends[1], &request, &reason), -EAGAIN);
}

/* Refused for a reason that has `why` in it, with all descriptors closed. */
static void expect_refused(const void *bytes, size_t length, int fds,
			   const char *why)
{
	struct request request;
	struct reason reason = { "" };
	int before = open_fds();

	send_with_fds(bytes, length, fds);
	assert_int_equal(request_receive(ends[1], &request, &reason), -EPROTO);
	if (!strstr(reason.text, why))
		fail_msg("wanted '%s', was: %s", why, reason.text);
	assert_int_equal(open_fds(), before);
}

static void short_ones(void **state)
{
	struct tnb_control_request request = sound(TNB_CONTROL_SET);

	(void)state;
	for (size_t length = 1; length < sizeof(request); length++)
		expect_refused(&request, length, 1, "too short");
	expect_refused(&request, 0, 0, "empty");
	expect_refused(&request, 0, 4, "empty");
}

static void long_ones(void **state)
{
	struct {
		struct tnb_control_request request;
		char more[10000];
	} message = { .request = sound(TNB_CONTROL_SET) };

	(void)state;
	expect_refused(&message, sizeof(message.request) + 1, 1, "too long");
	expect_refused(&message, sizeof(message), 1, "too long");
}

/* Whatever their length: others may have another. */
static void other_versions(void **state)
{
	struct tnb_control_request request = sound(TNB_CONTROL_SET);
	char longer[200] = { 0 };

	(void)state;
	request.header.version++;
	memcpy(longer, &request, sizeof(request));
	expect_refused(&request, sizeof(request), 1, "control version 3");
	expect_refused(&request, sizeof(request.header), 0,
		       "control version 3");
	expect_refused(longer, sizeof(longer), 1, "control version 3");
	request.header.magic++;
	expect_refused(&request, sizeof(request), 1, "does not begin");
}

static void headers_that_lie(void **state)
{
	struct tnb_control_request request = sound(TNB_CONTROL_SET);

	(void)state;
	request.header.size--;
	expect_refused(&request, sizeof(request), 1, "says 127 bytes");
	request = sound((enum tnb_control_op)0);
	expect_refused(&request, sizeof(request), 1, "no operation 0");
	request = sound(TNB_CONTROL_DONE);
	expect_refused(&request, sizeof(request), 1, "no operation 257");
}

static void descriptors(void **state)
{
	struct tnb_control_request set = sound(TNB_CONTROL_SET);
	struct tnb_control_request status = sound(TNB_CONTROL_STATUS);

	(void)state;
	expect_refused(&set, sizeof(set), 0, "1 descriptors, not with 0");
	expect_refused(&set, sizeof(set), 2, "1 descriptors, not with 2");
	expect_refused(&set, sizeof(set), 8, "1 descriptors, not with");
	expect_refused(&status, sizeof(status), 1, "0 descriptors, not with 1");
}

/* A message of `op` with one word that is not 0. */
static void expect_no_meaning(enum tnb_control_op op, size_t at, __u32 word)
{
	struct tnb_control_request request = sound(op);

	memcpy((char *)&request + at, &word, sizeof(word));
	expect_refused(&request, sizeof(request), op != TNB_CONTROL_STATUS,
		       "no meaning");
}

#define AT(member) offsetof(struct tnb_control_request, member)

static void fields_without_a_meaning(void **state)
{
	(void)state;
	expect_no_meaning(TNB_CONTROL_SET, AT(flags), 2);
	expect_no_meaning(TNB_CONTROL_SET, AT(unused), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.size), 8);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.reserved), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[0].ns), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[0].how), 3);
	/* A date of a clock that has none. */
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[1].how),
			  TNB_SET_DATE);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[1].mode), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[2].rate), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[2].source), 1);
	expect_no_meaning(TNB_CONTROL_SET, AT(settings.clock[2].reserved), 1);
	expect_no_meaning(TNB_CONTROL_UNSET, AT(settings.size), 1);
	expect_no_meaning(TNB_CONTROL_UNSET, AT(settings.clock[0].how), 1);
	expect_no_meaning(TNB_CONTROL_STATUS, AT(flags), TNB_CONTROL_FORCE);
	expect_no_meaning(TNB_CONTROL_STATUS, AT(settings.clock[0].how), 1);
}

static void who_it_is(void **state)
{
	struct reason reason;
	pid_t pid;
	int err = request_check_peer(ends[1], &pid, &reason);

	(void)state;
	assert_int_equal(pid, getpid());
	assert_int_equal(err, geteuid() ? -EPERM : 0);
}

#define WITH_SOCKETS(test)                                      \
	cmocka_unit_test_setup_teardown(test, seqpacket_set_up, \
					seqpacket_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOCKETS(sound_ones_are_taken),
		WITH_SOCKETS(nothing_yet_is_no_refusal),
		WITH_SOCKETS(short_ones),
		WITH_SOCKETS(long_ones),
		WITH_SOCKETS(other_versions),
		WITH_SOCKETS(headers_that_lie),
		WITH_SOCKETS(descriptors),
		WITH_SOCKETS(fields_without_a_meaning),
		WITH_SOCKETS(who_it_is),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
