/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole, cut and damaged images. Under ASan a byte read too far is an error. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include "loader/vdso/elf_image.h"
#include "loader/vdso/images.h"
#include "loader/base/maps.h"
#include <stdlib.h>
#include <string.h>
#include <abi/page.h>

/* The kernel's, of 64-bit programs; ours, of 32-bit ones. */
static const uint8_t *original;
static size_t original_size;

static int set_up(void **state)
{
	struct tnb_vdso_maps maps;

	(void)state;
	if (tnb_vdso_maps_read(0, &maps))
		return -1;
	original = (const uint8_t *)maps.vdso;
	original_size = maps.vdso_end - maps.vdso;
	return 0;
}

static int set_up_narrow(void **state)
{
	(void)state;
	original = tnb_vdso_image(TNB_LAYOUT_vdso_clock, true);
	original_size = TNB_PAGE_SIZE;
	return 0;
}

/* Open and ask; what comes back must lie within. */
static int look(const uint8_t *bytes, size_t size)
{
	struct tnb_elf_image elf;
	uint32_t offset, length;
	int r = tnb_elf_image_open(&elf, bytes, size);

	if (r)
		return r;
	assert_true(elf.file_end <= size && elf.loaded_end <= size);
	r = tnb_elf_image_function(&elf, "__vdso_time", &offset, &length);
	if (!r)
		assert_true((size_t)offset + length <= size);
	return r;
}

static void whole_images_can_be_read(void **state)
{
	(void)state;
	assert_int_equal(look(original, original_size), 0);
	for (unsigned int i = 0; i < 2 * TNB_LAYOUTS; i++)
		assert_int_equal(
			look(tnb_vdso_image((enum tnb_vdso_layout_id)(i / 2),
					    i % 2),
			     TNB_PAGE_SIZE),
			0);
}

static void names_must_be_whole(void **state)
{
	struct tnb_elf_image elf;
	uint32_t offset, size;

	(void)state;
	assert_int_equal(tnb_elf_image_open(&elf, original, original_size), 0);
	assert_int_equal(tnb_elf_image_function(&elf, "", &offset, &size),
			 -ENOENT);
	assert_int_equal(
		tnb_elf_image_function(&elf, "__vdso_tim", &offset, &size),
		-ENOENT);
	assert_int_equal(
		tnb_elf_image_function(&elf, "__vdso_time_", &offset, &size),
		-ENOENT);
	/* A version, not a function. */
	assert_int_equal(
		tnb_elf_image_function(&elf, "LINUX_2.6", &offset, &size),
		-ENOENT);
}

static void cut_images_are_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < original_size; size++) {
		uint8_t *copy = malloc(size ? size : 1);

		memcpy(copy, original, size);
		assert_true(look(copy, size) <= 0);
		free(copy);
	}
}

/* Each byte of headers and tables, and many bytes at once. */
static void damaged_images_are_survived(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	const size_t head = 0x700 < original_size ? 0x700 : original_size;
	uint8_t *copy = malloc(original_size);

	(void)state;
	srandom(1);
	for (size_t at = 0; at < head; at++)
		for (size_t i = 0; i < sizeof(values); i++) {
			memcpy(copy, original, original_size);
			copy[at] = values[i];
			assert_true(look(copy, original_size) <= 0);
		}
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, original, original_size);
		for (int i = 0; i < 8; i++)
			copy[(size_t)random() % head] = (uint8_t)random();
		/* Keep what is looked at first, to get any further. */
		memcpy(copy, original, 64);
		assert_true(look(copy, original_size) <= 0);
	}
	free(copy);
}

static void the_class_is_known(void **state)
{
	struct tnb_elf_image elf;

	(void)state;
	assert_int_equal(tnb_elf_image_open(&elf, original, original_size), 0);
	assert_int_equal(elf.narrow, original[EI_CLASS] == ELFCLASS32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_images_can_be_read),
		cmocka_unit_test(names_must_be_whole),
		cmocka_unit_test(cut_images_are_survived),
		cmocka_unit_test(damaged_images_are_survived),
		cmocka_unit_test(the_class_is_known),
	};
	int wide =
		cmocka_run_group_tests_name("elf_image", tests, set_up, NULL);

	return wide + cmocka_run_group_tests_name("elf_image, 32-bit", tests,
						  set_up_narrow, NULL);
}
