/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include "loader/base/auxv.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Not at the beginning of a page, nor of a block. */
#define STACK 0x7f8

/* A file that stands for the memory of a process. */
struct memory {
	int fd;
	unsigned int word;
	off_t at;
};

static void begin(struct memory *memory, unsigned int word)
{
	*memory = (struct memory){ memfd_create("memory", MFD_CLOEXEC), word,
				   STACK };
	assert_true(memory->fd >= 0);
}

static void put(struct memory *memory, uint64_t value)
{
	assert_int_equal(pwrite(memory->fd, &value, memory->word, memory->at),
			 memory->word);
	memory->at += memory->word;
}

static void put_many(struct memory *memory, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		put(memory, 0x1000 + i);
	put(memory, 0);
}

static int walk_to(const struct memory *memory, uint64_t type,
		   struct tnb_auxv_entry *entry)
{
	const struct tnb_peek peek = { memory->fd, -1 };
	struct tnb_auxv auxv;
	int next = tnb_auxv_begin(&auxv, &peek, STACK, memory->word);

	if (next)
		return next;
	while ((next = tnb_auxv_next(&auxv, entry)) > 0)
		if (entry->type == type)
			return 1;
	return next;
}

/* With an environment of several blocks. */
static void expect_found(unsigned int word)
{
	struct tnb_auxv_entry entry;
	struct memory memory;
	off_t at;

	begin(&memory, word);
	put(&memory, 3);
	put_many(&memory, 3);
	put_many(&memory, 2000);
	put(&memory, AT_PAGESZ);
	put(&memory, 4096);
	at = memory.at;
	put(&memory, AT_SYSINFO_EHDR);
	put(&memory, 0x7fff1000);
	put(&memory, AT_NULL);
	put(&memory, 0);
	assert_int_equal(walk_to(&memory, AT_SYSINFO_EHDR, &entry), 1);
	assert_int_equal(entry.at, at);
	assert_int_equal(entry.value, 0x7fff1000);
	assert_int_equal(walk_to(&memory, AT_BASE, &entry), 0);
	close(memory.fd);
}

static void entries_are_found_behind_a_long_environment(void **state)
{
	(void)state;
	expect_found(8);
	expect_found(4);
}

static void an_argument_may_have_become_null(void **state)
{
	struct tnb_auxv_entry entry;
	struct memory memory;

	(void)state;
	begin(&memory, 8);
	put(&memory, 2);
	put(&memory, 0);
	put_many(&memory, 1);
	put_many(&memory, 1);
	put(&memory, AT_PAGESZ);
	put(&memory, 4096);
	put(&memory, AT_NULL);
	put(&memory, 0);
	assert_int_equal(walk_to(&memory, AT_PAGESZ, &entry), 1);
	close(memory.fd);
}

static void what_cannot_be_walked_is_an_error(void **state)
{
	struct tnb_auxv_entry entry;
	struct memory memory;

	(void)state;
	begin(&memory, 8);
	assert_int_equal(walk_to(&memory, AT_PAGESZ, &entry), -EFAULT);
	put(&memory, 1);
	put_many(&memory, 1);
	put(&memory, 5); /* an environment without an end */
	assert_int_equal(walk_to(&memory, AT_PAGESZ, &entry), -EFAULT);
	put(&memory, 0);
	put(&memory, AT_PAGESZ); /* without its value */
	assert_int_equal(walk_to(&memory, AT_PAGESZ, &entry), -EFAULT);
	close(memory.fd);
	begin(&memory, 8);
	put(&memory, 1ULL << 40);
	assert_int_equal(walk_to(&memory, AT_PAGESZ, &entry), -E2BIG);
	close(memory.fd);
}

static void a_vector_without_an_end_is_given_up(void **state)
{
	struct tnb_auxv_entry entry;
	struct memory memory;

	(void)state;
	begin(&memory, 8);
	put(&memory, 0);
	put(&memory, 0);
	put(&memory, 0);
	for (int i = 0; i < 200; i++)
		put(&memory, AT_PAGESZ);
	assert_int_equal(walk_to(&memory, AT_BASE, &entry), -E2BIG);
	close(memory.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_found_behind_a_long_environment),
		cmocka_unit_test(an_argument_may_have_become_null),
		cmocka_unit_test(what_cannot_be_walked_is_an_error),
		cmocka_unit_test(a_vector_without_an_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
