/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include "loader/base/peek.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static struct tnb_peek peek;

static int open_peek(void **state)
{
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	if (proc < 0 || tnb_peek_open(proc, &peek))
		return 1;
	return close(proc);
}

static int close_peek(void **state)
{
	(void)state;
	tnb_peek_close(&peek);
	return 0;
}

static char *map(size_t pages, int flags, int file)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, file,
			0);

	assert_true(at != MAP_FAILED);
	return at;
}

static bool is_there(const void *at)
{
	char byte;

	return tnb_peek_read(&peek, (uintptr_t)at, &byte, 1) == 1;
}

static void what_was_written_is_read(void **state)
{
	char *at = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1), read[16];

	(void)state;
	memset(at, 'x', 2L * PAGE);
	memset(at + PAGE - 8, 'y', 16);
	assert_int_equal(tnb_peek_read(&peek, (uintptr_t)at + PAGE - 8, read,
				       sizeof(read)),
			 sizeof(read));
	assert_memory_equal(read, at + PAGE - 8, sizeof(read));
	munmap(at, 2L * PAGE);
}

/* A server of such memory, as userfaultfd has, is never asked. */
static void what_is_not_there_is_not_fetched(void **state)
{
	char *at = map(3, MAP_PRIVATE | MAP_ANONYMOUS, -1), read[PAGE];
	unsigned char there[3] = { 0 };

	(void)state;
	memset(at, 'x', PAGE);
	assert_int_equal(
		tnb_peek_read(&peek, (uintptr_t)at + PAGE - 8, read, 16), 8);
	assert_int_equal(tnb_peek_read(&peek, (uintptr_t)at + PAGE, read, 16),
			 -EFAULT);
	/* Of one mapping it counts as zeros, and stays away all the same. */
	memset(read, 'z', sizeof(read));
	assert_int_equal(tnb_peek_read_sparse(&peek, (uintptr_t)at + PAGE, read,
					      sizeof(read)),
			 sizeof(read));
	assert_int_equal(read[0], 0);
	assert_int_equal(read[PAGE - 1], 0);
	assert_int_equal(mincore(at, 3L * PAGE, there), 0);
	assert_int_equal(there[0] & 1, 1);
	assert_int_equal((there[1] | there[2]) & 1, 0);
	munmap(at, 3L * PAGE);
	assert_false(is_there(at));
}

static void memory_of_a_file_is_not_read_even_if_it_is_there(void **state)
{
	int file = memfd_create("file", MFD_CLOEXEC);
	char *shared, *private;

	(void)state;
	assert_int_equal(ftruncate(file, PAGE), 0);
	shared = map(1, MAP_SHARED, file);
	private = map(1, MAP_PRIVATE, file);
	*shared = 'x';
	assert_int_equal(*(volatile char *)private, 'x');
	assert_false(is_there(shared));
	assert_false(is_there(private));
	/* A copy of its own is anonymous. */
	*private = 'y';
	assert_true(is_there(private));
	munmap(shared, PAGE);
	munmap(private, PAGE);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(what_is_not_there_is_not_fetched),
		cmocka_unit_test(
			memory_of_a_file_is_not_read_even_if_it_is_there),
	};

	return cmocka_run_group_tests(tests, open_peek, close_peek);
}
