/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/process/examiner.h"
#include "loader/rules/pages.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A handle without BPF: the examiner keeps nothing of it open. */
static struct tnb tnb = {
	.journal = -1,
	.cgroup_slots = -1,
	.clock_pages = -1,
	.counters = -1,
	.page_write = -1,
	.page_pass = -1,
};

enum answer { NONE, FOUND, GAVE_UP };

#define MOST 16

struct subject {
	enum { ANSWERS, WAITS, CRASHES } kind[MOST];
	enum answer answer[MOST];
	pid_t examiner[MOST];
	int file; /* open in the parent */
	int file_was_open;
};

static bool look(void *context, size_t index)
{
	struct subject *subject = context;

	subject->examiner[index] = getpid();
	subject->file_was_open |= fcntl(subject->file, F_GETFD) >= 0;
	while (subject->kind[index] == WAITS)
		pause();
	if (subject->kind[index] == CRASHES)
		kill(getpid(), SIGKILL);
	subject->answer[index] = FOUND;
	return true;
}

static void give_up(void *context, size_t index)
{
	((struct subject *)context)->answer[index] = GAVE_UP;
}

static struct subject *subject_make(void)
{
	struct subject *subject = tnb_examiner_memory(sizeof(*subject));

	assert_non_null(subject);
	subject->file = memfd_create("lock", MFD_CLOEXEC);
	return subject;
}

static void subject_free(struct subject *subject)
{
	close(subject->file);
	tnb_examiner_free(subject, sizeof(*subject));
	/* No child of its is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void each_is_looked_at_by_one_child(void **state)
{
	struct subject *subject = subject_make();

	(void)state;
	assert_int_equal(tnb_examiner_run(&tnb, MOST, look, give_up, subject),
			 0);
	for (int i = 0; i < MOST; i++) {
		assert_int_equal(subject->answer[i], FOUND);
		assert_int_equal(subject->examiner[i], subject->examiner[0]);
		assert_int_not_equal(subject->examiner[i], getpid());
	}
	/* A lock of its parent would last as long as it lives. */
	assert_int_equal(subject->file_was_open, 0);
	subject_free(subject);
}

static void it_is_given_up_over_those_that_keep_it_waiting(void **state)
{
	struct subject *subject = subject_make();

	(void)state;
	subject->kind[2] = WAITS;
	subject->kind[3] = WAITS;
	subject->kind[MOST - 1] = WAITS;
	assert_int_equal(tnb_examiner_run(&tnb, MOST, look, give_up, subject),
			 0);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(subject->answer[i],
				 subject->kind[i] == WAITS ? GAVE_UP : FOUND);
	subject_free(subject);
}

static void one_that_ends_is_replaced(void **state)
{
	struct subject *subject = subject_make();

	(void)state;
	subject->kind[0] = CRASHES;
	subject->kind[7] = CRASHES;
	assert_int_equal(tnb_examiner_run(&tnb, MOST, look, give_up, subject),
			 0);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(subject->answer[i],
				 subject->kind[i] == CRASHES ? GAVE_UP : FOUND);
	subject_free(subject);
}

static void none_is_started_for_nothing(void **state)
{
	(void)state;
	assert_int_equal(tnb_examiner_run(&tnb, 0, look, give_up, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_looked_at_by_one_child),
		cmocka_unit_test(
			it_is_given_up_over_those_that_keep_it_waiting),
		cmocka_unit_test(one_that_ends_is_replaced),
		cmocka_unit_test(none_is_started_for_nothing),
	};

	if (tnb_pages_open_file(memfd_create("pages", MFD_CLOEXEC), &tnb.pages))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
