/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../../seqpacket.h"
#include <errno.h>
#include "loader/api/client.h"
#include "loader/base/log.h"
#include <pthread.h>
#include <string.h>
#include <abi/control.h>
#include <unistd.h>

/* What client.c is linked with. */
void tnb_log_debug(const char *format, ...)
{
	(void)format;
}

static const struct tnb_control_request request = {
	.header = { TNB_CONTROL_MAGIC, TNB_CONTROL_VERSION, sizeof(request),
		    TNB_CONTROL_SET },
};
static struct tnb_control_answer answer;

/* The daemon's answers, which it may have given before it was asked. */
static int say(enum tnb_control_op op, int result, const char *text)
{
	struct tnb_control_answer message = {
		.header = { TNB_CONTROL_MAGIC, TNB_CONTROL_VERSION,
			    sizeof(message), op },
		.result = result,
	};

	strcpy(message.text, text);
	message.change = (struct tnb_change_result){
		.changed = 3,
		.left = 1,
		.listed = 1,
		.process = { { 42, TNB_VDSO_VISIBLE, "left" } },
	};
	return send(ends[1], &message, sizeof(message), MSG_NOSIGNAL) ==
			       sizeof(message)
		       ? 0
		       : -errno;
}

static void close_daemons_end(void)
{
	close(ends[1]);
	ends[1] = -1;
}

static int ask(void)
{
	return tnb_client_ask(ends[0], ends[0], &request, &answer);
}

static void a_result_comes_back(void **state)
{
	struct tnb_control_request seen;

	(void)state;
	assert_int_equal(say(TNB_CONTROL_ACCEPTED, 0, ""), 0);
	assert_int_equal(say(TNB_CONTROL_DONE, -EBUSY, "busy"), 0);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.result, -EBUSY);
	assert_string_equal(answer.text, "busy");
	assert_int_equal(answer.change.changed, 3);
	assert_int_equal(answer.change.left, 1);
	assert_string_equal(answer.change.process[0].name, "left");
	assert_int_equal(recv(ends[1], &seen, sizeof(seen), 0), sizeof(seen));
	assert_memory_equal(&seen, &request, sizeof(seen));
}

static void who_refuses_has_done_nothing(void **state)
{
	(void)state;
	assert_int_equal(say(TNB_CONTROL_REFUSED, -EPROTO, "no"), 0);
	assert_int_equal(ask(), TNB_CLIENT_NO_DAEMON);
}

static void who_closes_has_done_nothing(void **state)
{
	(void)state;
	close_daemons_end();
	assert_int_equal(ask(), TNB_CLIENT_NO_DAEMON);
}

static void another_version_has_done_nothing(void **state)
{
	struct tnb_control_answer other = {
		.header = { TNB_CONTROL_MAGIC, TNB_CONTROL_VERSION + 1,
			    sizeof(other), TNB_CONTROL_ACCEPTED },
	};

	(void)state;
	assert_true(send(ends[1], &other, sizeof(other), 0) > 0);
	assert_int_equal(ask(), TNB_CLIENT_NO_DAEMON);
}

/* It may wake up later: it must not be able to begin then. */
static void one_that_is_silent_is_told_no_more(void **state)
{
	(void)state;
	assert_int_equal(ask(), TNB_CLIENT_NO_DAEMON);
	assert_int_equal(say(TNB_CONTROL_ACCEPTED, 0, ""), -EPIPE);
}

static void one_that_began_and_ended(void **state)
{
	(void)state;
	assert_int_equal(say(TNB_CONTROL_ACCEPTED, 0, ""), 0);
	shutdown(ends[1], SHUT_WR);
	assert_int_equal(ask(), -EIO);
	assert_non_null(strstr(tnb_error_message(), "took the request"));
}

/* Whatever fails: what it has said counts. */
static void one_that_began_and_cannot_be_told(void **state)
{
	(void)state;
	assert_int_equal(say(TNB_CONTROL_ACCEPTED, 0, ""), 0);
	close_daemons_end();
	assert_int_equal(ask(), -EIO);
}

static void *end_without_reading(void *unused)
{
	char byte;

	(void)unused;
	if (recv(ends[1], &byte, 1, MSG_PEEK) == 1)
		(void)!say(TNB_CONTROL_ACCEPTED, 0, "");
	close_daemons_end();
	return NULL;
}

/* The kernel tells us ECONNRESET first, then what came. */
static void one_that_began_and_ended_with_ours_unread(void **state)
{
	pthread_t thread;
	int err;

	(void)state;
	pthread_create(&thread, NULL, end_without_reading, NULL);
	err = ask();
	pthread_join(thread, NULL);
	assert_int_equal(err, -EIO);
}

/* Ever later, around the limit: who was told ACCEPTED is never NOBODY, and the
 * other way round. */
static void *accept_late(void *delay_us)
{
	int err;

	usleep(*(useconds_t *)delay_us);
	err = say(TNB_CONTROL_ACCEPTED, 0, "");
	shutdown(ends[1], SHUT_WR);
	return (void *)(intptr_t)err;
}

static void both_sides_agree(void **state)
{
	for (useconds_t us = 298000; us < 302000; us += 200) {
		pthread_t thread;
		void *said;
		int err;

		seqpacket_set_up(state);
		pthread_create(&thread, NULL, accept_late, &us);
		err = ask();
		pthread_join(thread, &said);
		assert_true((err == TNB_CLIENT_NO_DAEMON) == !!said);
		seqpacket_tear_down(state);
	}
}

#define WITH_SOCKETS(test)                                      \
	cmocka_unit_test_setup_teardown(test, seqpacket_set_up, \
					seqpacket_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOCKETS(a_result_comes_back),
		WITH_SOCKETS(who_refuses_has_done_nothing),
		WITH_SOCKETS(who_closes_has_done_nothing),
		WITH_SOCKETS(another_version_has_done_nothing),
		WITH_SOCKETS(one_that_is_silent_is_told_no_more),
		WITH_SOCKETS(one_that_began_and_ended),
		WITH_SOCKETS(one_that_began_and_cannot_be_told),
		WITH_SOCKETS(one_that_began_and_ended_with_ours_unread),
		cmocka_unit_test(both_sides_agree),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
