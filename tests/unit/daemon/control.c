/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/control.h"
#include "daemon/journal.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <timensbpf/timensbpf.h>
#include <unistd.h>

/* ---- What control.c is built with ---------------------------------------- */

const char *tnb_version(void)
{
	return "9.9";
}

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static char logged[65536];

void journal(int level, const char *format, ...)
{
	size_t length;
	va_list args;

	(void)level;
	pthread_mutex_lock(&log_mutex);
	length = strlen(logged);
	va_start(args, format);
	vsnprintf(logged + length, sizeof(logged) - length, format, args);
	va_end(args);
	strcat(logged, "\n");
	pthread_mutex_unlock(&log_mutex);
}

static void expect_logged(const char *text)
{
	pthread_mutex_lock(&log_mutex);
	if (!strstr(logged, text))
		print_message("log: %s", logged);
	assert_non_null(strstr(logged, text));
	pthread_mutex_unlock(&log_mutex);
}

/* ---- A daemon ------------------------------------------------------------ */

static char dir[] = "/tmp/tnbtest-control.XXXXXX", path[64];
static struct control *control;
static sd_event *event;
static pthread_t loop;
static int end;

static sem_t may_go, has_begun;
static int64_t order[64];
static int carried_out;

/* Takes as long as the test wants. */
static void carry_out(const struct request *request,
		      struct tnb_control_answer *answer)
{
	sem_post(&has_begun);
	sem_wait(&may_go);
	order[carried_out++] = request->message.settings.clock[0].ns;
	answer->result = -EBUSY;
	strcpy(answer->text, "some text");
}

static void *run_loop(void *unused)
{
	(void)unused;
	sd_event_loop(event);
	return NULL;
}

static int on_end(sd_event_source *source, int fd, uint32_t events,
		  void *unused)
{
	(void)fd, (void)events, (void)unused;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/control", dir);
	sem_init(&may_go, 0, 0);
	sem_init(&has_begun, 0, 0);
	carried_out = 0;
	logged[0] = '\0';
	end = eventfd(0, EFD_CLOEXEC);
	return sd_event_new(&event) < 0 ||
	       sd_event_add_io(event, NULL, end, EPOLLIN, on_end, NULL) < 0 ||
	       control_open(&control, event, path, carry_out) ||
	       pthread_create(&loop, NULL, run_loop, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	if (control) {
		eventfd_write(end, 1);
		pthread_join(loop, NULL);
	}
	control_close(&control);
	event = sd_event_unref(event);
	close(end);
	assert_int_equal(access(path, F_OK), -1);
	return rmdir(dir);
}

/* ---- Clients ------------------------------------------------------------- */

static int connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void send_request(int fd, enum tnb_control_op op, int64_t number)
{
	struct tnb_control_request request = {
		.header = { TNB_CONTROL_MAGIC, TNB_CONTROL_VERSION,
			    sizeof(request), op },
	};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} rights = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
				 SCM_RIGHTS } };
	struct iovec data = { &request, sizeof(request) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (op == TNB_CONTROL_SET) {
		request.settings.size = sizeof(request.settings);
		request.settings.clock[0].how = TNB_SET_OFFSET;
		request.settings.clock[0].ns = number;
		/* Of anything: it is not looked at here. */
		memcpy(CMSG_DATA(&rights.header), &end, sizeof(end));
		message.msg_control = &rights;
		message.msg_controllen = sizeof(rights);
	}
	assert_int_equal(sendmsg(fd, &message, 0), sizeof(request));
}

static int ask(int64_t number)
{
	int fd = connect_to();

	assert_true(fd >= 0);
	send_request(fd, TNB_CONTROL_SET, number);
	return fd;
}

/* Within 10 s. 0: the connection is closed. */
static unsigned int answer_of(int fd, struct tnb_control_answer *answer)
{
	struct pollfd wake = { .fd = fd, .events = POLLIN };
	ssize_t length;

	assert_int_equal(poll(&wake, 1, 10000), 1);
	length = recv(fd, answer, sizeof(*answer), 0);
	if (length <= 0)
		return 0;
	assert_int_equal(length, sizeof(*answer));
	assert_int_equal(answer->header.magic, TNB_CONTROL_MAGIC);
	assert_int_equal(answer->header.version, TNB_CONTROL_VERSION);
	assert_int_equal(answer->header.size, sizeof(*answer));
	return answer->header.op;
}

static void expect_done(int fd)
{
	struct tnb_control_answer answer;

	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_ACCEPTED);
	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_DONE);
	assert_int_equal(answer.result, -EBUSY);
	assert_string_equal(answer.text, "some text");
	assert_int_equal(answer_of(fd, &answer), 0);
	close(fd);
}

static void expect_refused(int fd, const char *why)
{
	struct tnb_control_answer answer;

	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_REFUSED);
	assert_non_null(strstr(answer.text, why));
	assert_int_equal(answer_of(fd, &answer), 0);
	close(fd);
	expect_logged(why);
}

/* What was sent before has been heard. */
static void expect_status(const char *text)
{
	struct tnb_control_answer answer;
	int fd = connect_to();

	send_request(fd, TNB_CONTROL_STATUS, 0);
	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_ACCEPTED);
	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_DONE);
	assert_string_equal(answer.text, text);
	assert_int_equal(answer_of(fd, &answer), 0);
	close(fd);
}

/* ---- Tests --------------------------------------------------------------- */

static void one_at_a_time_in_turn(void **state)
{
	int first = ask(1), second, third;

	(void)state;
	sem_wait(&has_begun);
	second = ask(2);
	third = ask(3);
	expect_status("version 9.9 serves, changes a rule");
	for (int i = 0; i < 3; i++)
		sem_post(&may_go);
	expect_done(first);
	expect_done(second);
	expect_done(third);
	assert_int_equal(carried_out, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order[i], i + 1);
}

static void status_is_told_meanwhile(void **state)
{
	int busy = ask(1);

	(void)state;
	sem_wait(&has_begun);
	expect_status("version 9.9 serves, changes a rule");
	sem_post(&may_go);
	expect_done(busy);
}

static void bad_messages_are_refused_and_logged(void **state)
{
	int fd = connect_to();

	(void)state;
	assert_int_equal(send(fd, "abc", 3, 0), 3);
	expect_refused(fd, "too short: 3 bytes");
	fd = connect_to();
	send_request(fd, TNB_CONTROL_DONE, 0);
	expect_refused(fd, "no operation 257");
	assert_int_equal(carried_out, 0);
}

static void the_silent_hold_up_nobody(void **state)
{
	int silent = connect_to(), other = ask(1);

	(void)state;
	sem_post(&may_go);
	expect_done(other);
	expect_refused(silent, "no request within 2 s");
}

/* It is not carried out, and the next is. */
static void who_leaves_before_its_turn(void **state)
{
	int first = ask(1), leaves, shuts, last;

	(void)state;
	sem_wait(&has_begun);
	leaves = ask(2);
	shuts = ask(3);
	last = ask(4);
	shutdown(shuts, SHUT_RDWR);
	close(leaves);
	sem_post(&may_go);
	sem_post(&may_go);
	expect_done(first);
	expect_done(last);
	close(shuts);
	assert_int_equal(carried_out, 2);
	assert_int_equal(order[1], 4);
	expect_logged("left before its turn");
}

static void who_leaves_before_its_answer(void **state)
{
	int first = ask(1), second;

	(void)state;
	sem_wait(&has_begun);
	close(first);
	second = ask(2);
	sem_post(&may_go);
	sem_post(&may_go);
	expect_done(second);
	assert_int_equal(carried_out, 2);
	expect_logged("left before its answer");
}

static void who_never_reads_and_talks_on(void **state)
{
	int first = ask(1), chatty = ask(2), last = ask(3);
	char noise[100] = "";

	(void)state;
	while (send(chatty, noise, sizeof(noise), MSG_DONTWAIT) > 0)
		;
	for (int i = 0; i < 3; i++)
		sem_post(&may_go);
	expect_done(first);
	expect_done(last);
	assert_int_equal(carried_out, 3);
	close(chatty);
}

static void too_many(void **state)
{
	int fds[CONTROL_CONNECTIONS], fd;

	(void)state;
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		fds[i] = ask(i);
	fd = connect_to();
	expect_refused(fd, "too many");
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		sem_post(&may_go);
	for (int i = 0; i < CONTROL_CONNECTIONS; i++)
		expect_done(fds[i]);
	sem_post(&may_go);
	expect_done(ask(77));
}

/* The other process's status is that of its connection's refusal. */
static void expect_other_refused(int (*become)(void), const char *why)
{
	struct tnb_control_answer answer;
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd = become() ? -1 : connect_to();

		_exit(fd < 0 ? 77
			     : recv(fd, &answer, sizeof(answer), 0) !=
					       sizeof(answer) ||
				       answer.header.op !=
					       TNB_CONTROL_REFUSED ||
				       recv(fd, &answer, sizeof(answer), 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	expect_logged(why);
}

static int become_nobody(void)
{
	return chmod(path, 0666) || setresuid(65534, 65534, 65534);
}

static int enter_a_user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static void others_are_refused(void **state)
{
	(void)state;
	expect_other_refused(become_nobody, "user 65534, not root");
}

static void root_of_a_container_is_refused(void **state)
{
	(void)state;
	expect_other_refused(enter_a_user_namespace, "another user namespace");
}

static void only_root_finds_it(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0600);
}

/* Without a descriptor left accept() fails; later it is tried again. */
static void a_failed_accept_is_tried_again(void **state)
{
	struct rlimit limit, none = { 0, 0 };
	struct tnb_control_answer answer;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	usleep(50000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	send_request(fd, TNB_CONTROL_STATUS, 0);
	assert_int_equal(answer_of(fd, &answer), TNB_CONTROL_ACCEPTED);
	close(fd);
	expect_logged("cannot accept a connection");
}

static void *let_it_go_soon(void *unused)
{
	(void)unused;
	usleep(200000);
	sem_post(&may_go);
	return NULL;
}

/* What is under way ends and is answered, what waits is told nothing. */
static void the_end_waits_for_what_is_under_way(void **state)
{
	int first = ask(1), second;
	struct tnb_control_answer answer;
	pthread_t later;

	(void)state;
	sem_wait(&has_begun);
	second = ask(2);
	eventfd_write(end, 1);
	pthread_join(loop, NULL);
	pthread_create(&later, NULL, let_it_go_soon, NULL);
	control_close(&control);
	pthread_join(later, NULL);
	expect_done(first);
	assert_int_equal(answer_of(second, &answer), 0);
	close(second);
	assert_int_equal(carried_out, 1);
}

static void a_stale_socket_is_swept(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int stale = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", dir);
	strcpy(path, address.sun_path);
	assert_int_equal(
		bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(stale, 1), 0);
	close(stale);
	assert_int_equal(connect_to(), -ECONNREFUSED);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(control_open(&control, event, path, carry_out), 0);
	expect_logged("of a predecessor is swept");
	close(connect_to());
	control_close(&control);
	event = sd_event_unref(event);
	assert_int_equal(rmdir(dir), 0);
}

#define WITH_DAEMON(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(one_at_a_time_in_turn),
		WITH_DAEMON(status_is_told_meanwhile),
		WITH_DAEMON(bad_messages_are_refused_and_logged),
		WITH_DAEMON(the_silent_hold_up_nobody),
		WITH_DAEMON(who_leaves_before_its_turn),
		WITH_DAEMON(who_leaves_before_its_answer),
		WITH_DAEMON(who_never_reads_and_talks_on),
		WITH_DAEMON(too_many),
		WITH_DAEMON(others_are_refused),
		WITH_DAEMON(root_of_a_container_is_refused),
		WITH_DAEMON(only_root_finds_it),
		WITH_DAEMON(a_failed_accept_is_tried_again),
		WITH_DAEMON(the_end_waits_for_what_is_under_way),
		cmocka_unit_test(a_stale_socket_is_swept),
	};

	/* The socket admits root only. */
	if (geteuid())
		return 77;
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
