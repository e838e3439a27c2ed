/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/base/child.h"

static char path[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/child.%d", (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int lock(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return -1;
}

/* It lives, and has closed all but `keep`, until the end of `life` is closed.
 */
static pid_t child_that_waits(int life[2], int keep)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(life), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		const int kept[] = { life[0], keep };

		tnb_child_keep_only(kept, 2);
		_exit(read(life[0], &byte, 1) != 0);
	}
	close(life[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid, const int life[2])
{
	close(life[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_ends_with_its_owner(void **state)
{
	int fd = lock(), life[2];
	pid_t pid;

	(void)state;
	pid = child_that_waits(life, -1);
	assert_int_equal(lock(), -1);
	close(fd);
	fd = lock();
	assert_true(fd >= 0);
	close(fd);
	end(pid, life);
}

static void what_is_kept_stays_open(void **state)
{
	int fd = lock(), life[2];
	pid_t pid;

	(void)state;
	pid = child_that_waits(life, fd);
	close(fd);
	assert_int_equal(lock(), -1);
	end(pid, life);
	fd = lock();
	assert_true(fd >= 0);
	close(fd);
}

/* Neither parent nor child keeps the priority of the fork. */
static void a_fork_leaves_priorities_alone(void **state)
{
	int status, before = sched_getscheduler(0);
	pid_t pid = tnb_child_fork();

	(void)state;
	if (!pid)
		_exit(sched_getscheduler(0));
	assert_true(pid > 0);
	assert_int_equal(sched_getscheduler(0), before);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SCHED_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_ends_with_its_owner),
		cmocka_unit_test(what_is_kept_stays_open),
		cmocka_unit_test(a_fork_leaves_priorities_alone),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
