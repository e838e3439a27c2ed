/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions hidden in an image, as a C library would look for them: by the hash
 * table. The kernels here are images of ours with some names changed.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include "loader/vdso/exports.h"
#include "loader/vdso/images.h"
#include <stdbool.h>
#include <string.h>
#include <abi/vdso_link.h>

static uint8_t image[TNB_PAGE_SIZE], kernels[TNB_PAGE_SIZE];
static struct tnb_elf_image kernels_elf;

static int set_up(void **state)
{
	(void)state;
	memcpy(image, tnb_vdso_image(TNB_LAYOUT_vdso_clock, false),
	       sizeof(image));
	memcpy(kernels, image, sizeof(kernels));
	return tnb_elf_image_open(&kernels_elf, kernels, sizeof(kernels));
}

/* The kernel's function goes by another name; twins share the letters. */
static void rename_function(const char *from, const char *to)
{
	uint8_t *names = kernels + kernels_elf.names;
	uint8_t *at =
		memmem(names, kernels_elf.names_size, from, strlen(from) + 1);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++) {
		hash = (hash << 4) + (uint8_t)*name;
		hash ^= hash >> 24 & 0xf0;
		hash &= 0x0fffffff;
	}
	return hash;
}

static const uint32_t *find_hash(void)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Phdr *segment = (const void *)(image + header->e_phoff);
	const Elf64_Dyn *entry;

	while (segment->p_type != PT_DYNAMIC)
		segment++;
	entry = (const void *)(image + segment->p_offset);
	while (entry->d_tag != DT_HASH)
		entry++;
	return (const void *)(image + entry->d_un.d_ptr);
}

/* The chain is walked as far as it goes, whatever hangs in it. */
static bool is_found(const char *name)
{
	const uint32_t *hash = find_hash();
	const Elf64_Sym *symbols;
	struct tnb_elf_image elf;
	bool found = false;

	assert_int_equal(tnb_elf_image_open(&elf, image, sizeof(image)), 0);
	symbols = (const void *)(image + elf.symbols);
	for (uint32_t i = hash[2 + hash_of(name) % hash[0]]; i;
	     i = hash[2 + hash[0] + i])
		found |= !strcmp((const char *)image + elf.names +
					 symbols[i].st_name,
				 name);
	return found;
}

static void hide(void)
{
	assert_int_equal(tnb_exports_hide(image, sizeof(image), &kernels_elf),
			 0);
}

static void what_the_kernel_has_stays(void **state)
{
	uint8_t before[TNB_PAGE_SIZE];

	(void)state;
	memcpy(before, image, sizeof(before));
	hide();
	assert_memory_equal(image, before, sizeof(before));
#define IS_FOUND(name, twin) assert_true(is_found("__vdso_" #name));
	TNB_VDSO_FORWARDS(IS_FOUND)
}

static void what_it_lacks_is_not_found(void **state)
{
	(void)state;
	assert_true(is_found("__vdso_getrandom") && is_found("getrandom"));
	rename_function("__vdso_getrandom", "__vdso_GETRANDOM");
	rename_function("__vdso_sgx_enter_enclave", "__vdso_sgx_enter_ENCLAVE");
	hide();
	assert_false(is_found("__vdso_getrandom"));
	assert_false(is_found("__vdso_sgx_enter_enclave"));
	assert_true(is_found("__vdso_clock_gettime"));
	assert_true(is_found("clock_gettime"));
	assert_true(is_found("__vdso_getcpu"));
	assert_true(is_found("__vdso_futex_robust_list64_try_unlock"));
}

/* By name, by type, by value or by section: no way to take it for one. */
static void nothing_is_left_of_it(void **state)
{
	static const Elf64_Sym none;
	const Elf64_Sym *symbols = (const void *)(image + kernels_elf.symbols);
	uint64_t i = 0;

	(void)state;
	while (strcmp((const char *)image + kernels_elf.names +
			      symbols[i].st_name,
		      "__vdso_getrandom"))
		i++;
	rename_function("__vdso_getrandom", "__vdso_GETRANDOM");
	hide();
	assert_memory_equal(&symbols[i], &none, sizeof(none));
}

static void unknown_functions_are_named(void **state)
{
	struct tnb_elf_image elf;
	char names[64];

	(void)state;
	assert_int_equal(tnb_elf_image_open(&elf, image, sizeof(image)), 0);
	tnb_exports_unknown(&kernels_elf, &elf, names, sizeof(names));
	assert_string_equal(names, "");
	rename_function("__vdso_sgx_enter_enclave", "__vdso_sgx_enter_ENCLAVE");
	tnb_exports_unknown(&kernels_elf, &elf, names, sizeof(names));
	assert_string_equal(names, "__vdso_sgx_enter_ENCLAVE");
	rename_function("__vdso_futex_robust_list64_try_unlock",
			"__vdso_FUTEX_robust_list64_try_unlock");
	tnb_exports_unknown(&kernels_elf, &elf, names, 48);
	assert_int_equal(strlen(names) < 48, true);
	assert_string_equal(names + strlen(names) - 4, " ...");
}

static void no_image_is_an_error(void **state)
{
	(void)state;
	memset(image, 0, 4);
	assert_int_equal(tnb_exports_hide(image, sizeof(image), &kernels_elf),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_the_kernel_has_stays, set_up),
		cmocka_unit_test_setup(what_it_lacks_is_not_found, set_up),
		cmocka_unit_test_setup(nothing_is_left_of_it, set_up),
		cmocka_unit_test_setup(unknown_functions_are_named, set_up),
		cmocka_unit_test_setup(no_image_is_an_error, set_up),
	};

	return cmocka_run_group_tests_name("exports", tests, NULL, NULL);
}
