/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include "loader/process/memory.h"
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define NUMBER 5

static struct tnb_loader_state *channel;

static __u64 *word(void)
{
	return &channel->hold[NUMBER];
}

/* A hold of this thread for `size` bytes, answered. */
static enum tnb_hold_state mended(const void *address, __u32 size)
{
	const struct tnb_loader_event event = {
		.kind = TNB_EVENT_MEMORY,
		.tid = (__u32)gettid(),
		.tgid = (__u32)getpid(),
		.hold = TNB_HOLD_WORD(NUMBER, TNB_HOLD_WAITING),
		.address = (__u64)address,
		.size = size,
	};

	*word() = event.hold;
	tnb_memory_mend(channel, &event);
	for (int state = TNB_HOLD_FREE; state <= TNB_HOLD_REFUSED; state++)
		if (*word() == TNB_HOLD_WORD(NUMBER, state))
			return (enum tnb_hold_state)state;
	return TNB_HOLD_FREE;
}

/* Bits of /proc/PID/pagemap (the kernel's admin-guide/mm/pagemap.rst) */
#define EXCLUSIVE 56
#define PRESENT 63

static bool page_is(const void *address, int bit)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	assert_int_equal(pread(fd, &entry, sizeof(entry),
			       (off_t)((uintptr_t)address / PAGE * 8)),
			 sizeof(entry));
	close(fd);
	return entry >> bit & 1;
}

static char *two_pages(void)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		alarm(60);
		pause();
		_exit(0);
	}
	return pid;
}

static void test_pages_of_a_fork(void **state)
{
	char *at = two_pages(), copy[2 * PAGE];
	pid_t child;

	(void)state;
	memset(at, 'x', sizeof(copy));
	memcpy(copy, at, sizeof(copy));
	child = fork_sleeper();
	assert_false(page_is(at, EXCLUSIVE));
	assert_int_equal(mended(at + PAGE - 8, 16), TNB_HOLD_TAKEN);
	assert_true(page_is(at, EXCLUSIVE));
	assert_true(page_is(at + PAGE, EXCLUSIVE));
	assert_memory_equal(at, copy, sizeof(copy));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap(at, sizeof(copy));
}

static void test_absent_page(void **state)
{
	char *at = two_pages();

	(void)state;
	assert_false(page_is(at, PRESENT));
	assert_int_equal(mended(at, 16), TNB_HOLD_TAKEN);
	assert_true(page_is(at, PRESENT));
	assert_int_equal(at[0], 0);
	munmap(at, 2 * PAGE);
}

/* The thread finds out by itself. */
static void test_read_only_memory_stays(void **state)
{
	char *at = two_pages();

	(void)state;
	memset(at, 'x', PAGE);
	mprotect(at, PAGE, PROT_READ);
	assert_int_equal(mended(at, 16), TNB_HOLD_TAKEN);
	assert_int_equal(at[0], 'x');
	munmap(at, 2 * PAGE);
}

static void test_memory_is_written_where_the_thread_may(void **state)
{
	char *page = mmap(NULL, 2L * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char bytes[] = "1234567";

	(void)state;
	assert_true(page != MAP_FAILED);
	munmap(page + PAGE, PAGE);
	assert_true(tnb_memory_write(gettid(), (uintptr_t)page, bytes,
				     sizeof(bytes)));
	assert_memory_equal(page, bytes, sizeof(bytes));
	/* Half of it is not there. */
	assert_false(tnb_memory_write(gettid(), (uintptr_t)page + PAGE - 4,
				      bytes, sizeof(bytes)));
	assert_int_equal(mprotect(page, PAGE, PROT_READ), 0);
	assert_false(tnb_memory_write(gettid(), (uintptr_t)page, "x", 1));
	assert_int_equal(*page, '1');
	assert_int_equal(tnb_memory_menders(), 0);
	munmap(page, PAGE);
}

static void test_thread_that_has_gone(void **state)
{
	struct tnb_loader_event event = {
		.tid = 0x7ffffff0,
		.hold = TNB_HOLD_WORD(NUMBER, TNB_HOLD_WAITING),
		.address = PAGE,
		.size = 16,
	};

	(void)state;
	*word() = event.hold;
	tnb_memory_mend(channel, &event);
	assert_int_equal(*word(), TNB_HOLD_WORD(NUMBER, TNB_HOLD_REFUSED));
	assert_int_equal(tnb_memory_menders(), 0);
}

/* Neither its memory nor the word is touched. */
static void test_hold_that_was_given_up(void **state)
{
	const __u64 other = TNB_HOLD_WORD(NUMBER + TNB_HOLDS, TNB_HOLD_WAITING);
	char *at = two_pages();
	const struct tnb_loader_event event = {
		.tid = (__u32)gettid(),
		.hold = TNB_HOLD_WORD(NUMBER, TNB_HOLD_WAITING),
		.address = (__u64)at,
		.size = 16,
	};

	(void)state;
	*word() = other;
	tnb_memory_mend(channel, &event);
	assert_true(*word() == other);
	assert_false(page_is(at, PRESENT));
	munmap(at, 2 * PAGE);
}

static int channel_make(void **state)
{
	(void)state;
	channel = calloc(1, sizeof(*channel));
	return channel ? 0 : -1;
}

static int channel_free(void **state)
{
	(void)state;
	free(channel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_of_a_fork),
		cmocka_unit_test(test_absent_page),
		cmocka_unit_test(test_read_only_memory_stays),
		cmocka_unit_test(test_memory_is_written_where_the_thread_may),
		cmocka_unit_test(test_thread_that_has_gone),
		cmocka_unit_test(test_hold_that_was_given_up),
	};

	return cmocka_run_group_tests(tests, channel_make, channel_free);
}
