/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include "loader/base/maps.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE(range, name) range " r--p 00000000 00:00 0    " name "\n"
#define OTHERS                                                                   \
	"55d0c0000000-55d0c0001000 r-xp 00001000 fe:00 1234   /usr/bin/[vdso]\n" \
	"55d0c0002000-55d0c0003000 rw-p 00000000 00:00 0 \n"
#define STACK LINE("7ffc10000000-7ffc10021000", "[stack]")

static const char newest[] =
	OTHERS STACK LINE("7ffc10100000-7ffc10104000", "[vvar]")
		LINE("7ffc10104000-7ffc10106000", "[vvar_vclock]")
			LINE("7ffc10106000-7ffc10108000", "[vdso]");

/* In memory of exactly their length, so that ASan sees one byte too far. */
static int parse(const char *text, size_t length, struct tnb_vdso_maps *maps)
{
	char *copy = malloc(length ? length : 1);
	int r;

	memcpy(copy, text, length);
	r = tnb_vdso_maps_parse(copy, length, maps);
	free(copy);
	return r;
}

static void finds_all(void **state)
{
	struct tnb_vdso_maps maps;

	(void)state;
	assert_int_equal(parse(newest, sizeof(newest) - 1, &maps), 0);
	assert_int_equal(maps.vdso, 0x7ffc10106000);
	assert_int_equal(maps.vdso_end, 0x7ffc10108000);
	assert_int_equal(maps.vvar, 0x7ffc10100000);
}

static void a_file_of_that_name_is_none(void **state)
{
	static const char text[] = OTHERS STACK;
	struct tnb_vdso_maps maps = { .vdso = 5 };

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &maps), -ENOENT);
	assert_int_equal(parse("", 0, &maps), -ENOENT);
	assert_int_equal(maps.vdso, 5);
}

static void pieces_side_by_side_are_one(void **state)
{
	static const char whole[] = LINE("1000-2000", "[vdso]")
		LINE("2000-3000", "[vdso]");
	static const char torn[] = LINE("1000-2000", "[vdso]")
		LINE("3000-4000", "[vdso]");
	struct tnb_vdso_maps maps;

	(void)state;
	assert_int_equal(parse(whole, sizeof(whole) - 1, &maps), 0);
	assert_int_equal(maps.vdso, 0x1000);
	assert_int_equal(maps.vdso_end, 0x3000);
	assert_int_equal(maps.vvar, 0);
	assert_int_equal(parse(torn, sizeof(torn) - 1, &maps), -EINVAL);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"x",
		"-\n",
		"1000\n",
		"1000-\n",
		"2000-1000 r--p 0 0:0 0 [vdso]\n",
		"1000-2000\n",
		"1000-2000 r--p\n",
		"10000000000000000-20000000000000000 r--p 0 0:0 0 [vdso]\n",
		"\n",
	};
	struct tnb_vdso_maps maps;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i]), &maps),
				 -EINVAL);
}

static void any_beginning_can_be_read(void **state)
{
	struct tnb_vdso_maps maps;

	(void)state;
	for (size_t length = 0; length < sizeof(newest); length++)
		assert_true(parse(newest, length, &maps) <= 0);
}

static void own_and_others_can_be_read(void **state)
{
	struct tnb_vdso_maps own, same;

	(void)state;
	assert_int_equal(tnb_vdso_maps_read(0, &own), 0);
	assert_int_equal(tnb_vdso_maps_read(getpid(), &same), 0);
	assert_memory_equal(&own, &same, sizeof(own));
	assert_true(tnb_vdso_maps_read(0x7ffffffe, &own) < 0);
}

static uint64_t end_of(const struct tnb_maps_ends *ends, uint64_t address)
{
	const struct tnb_maps_range *range = tnb_maps_range_of(ends, address);

	return range ? range->end : 0;
}

static void every_mapping_has_its_end(void **state)
{
	int here = 0;
	struct tnb_maps_ends ends;
	struct tnb_vdso_maps own;

	(void)state;
	assert_int_equal(tnb_vdso_maps_read(0, &own), 0);
	assert_int_equal(tnb_maps_ends_read(0, &ends), 0);
	assert_int_equal(end_of(&ends, own.vdso), own.vdso_end);
	assert_int_equal(end_of(&ends, own.vdso_end - 1), own.vdso_end);
	assert_true(end_of(&ends, (uint64_t)(uintptr_t)&here) >
		    (uint64_t)(uintptr_t)&here);
	assert_int_equal(end_of(&ends, 0), 0);
	assert_int_equal(end_of(&ends, ~0ULL), 0);
	tnb_maps_ends_free(&ends);
	assert_true(tnb_maps_ends_read(0x7ffffffe, &ends) < 0);
}

/* ---- What is behind memory ------------------------------------------------
 */

static bool is_of_kernel(const void *address)
{
	return tnb_maps_is_of_kernel(0, (uint64_t)(uintptr_t)address);
}

static void only_a_shared_file_needs_its_file_system(void **state)
{
	static int private_one = 1;
	char name[] = "/tmp/tnb-maps-XXXXXX";
	int file = mkstemp(name), memory = memfd_create("maps", MFD_CLOEXEC);
	const int flags[] = { MAP_SHARED, MAP_PRIVATE };
	void *mapped;

	(void)state;
	assert_true(file >= 0 && memory >= 0);
	assert_false(ftruncate(file, 4096) || ftruncate(memory, 4096));
	for (int i = 0; i < 2; i++) {
		mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags[i],
			      file, 0);
		assert_ptr_not_equal(mapped, MAP_FAILED);
		assert_int_equal(is_of_kernel(mapped), flags[i] == MAP_PRIVATE);
		munmap(mapped, 4096);
	}
	assert_false(is_of_kernel(mapped));
	mapped =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	assert_true(is_of_kernel(mapped));
	assert_true(is_of_kernel(&private_one));
	assert_true(is_of_kernel(&mapped));
	munmap(mapped, 4096);
	close(memory);
	close(file);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all),
		cmocka_unit_test(a_file_of_that_name_is_none),
		cmocka_unit_test(pieces_side_by_side_are_one),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(any_beginning_can_be_read),
		cmocka_unit_test(own_and_others_can_be_read),
		cmocka_unit_test(every_mapping_has_its_end),
		cmocka_unit_test(only_a_shared_file_needs_its_file_system),
	};

	return cmocka_run_group_tests_name("maps", tests, NULL, NULL);
}
