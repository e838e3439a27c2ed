/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader/vdso/kernel_vdso.c on the kernel that runs here: its vDSO, and the
 * image chosen for it. TIMENSBPF_TEST_SAMPLES: reads of each clock, ten
 * millions else.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include "loader/vdso/elf_image.h"
#include "loader/base/maps.h"
#include "loader/vdso/image_pick.h"
#include "loader/vdso/jumps.h"
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../mapped.h"

#define DAY 86400
#define OWNER 99u

static const clockid_t clocks[] = {
	CLOCK_REALTIME,		CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,	CLOCK_BOOTTIME,	 CLOCK_TAI,
	CLOCK_MONOTONIC_COARSE,
};
#define CLOCKS (sizeof(clocks) / sizeof(*clocks))

static struct tnb_vdsos vdsos;
static struct tnb_vdso vdso;
static struct tnb_vdso_maps maps;
static struct mapped mapped;

static const uint8_t *kernels(uint32_t offset)
{
	return (const uint8_t *)maps.vdso + offset;
}

static int set_up(void **state)
{
	(void)state;
	if (tnb_vdso_probe(&vdsos) || tnb_vdso_maps_read(0, &maps))
		return -1;
	vdso = vdsos.wide;
	print_message("layout %s %s\n", vdso.layout, vdso.why_raw);
	map_image(&mapped, vdso.image);
	tnb_vdso_link(&vdso, maps.vdso, 7, OWNER, mapped.link);
	mapped.page->pass = OWNER;
	return 0;
}

static void probe_knows_the_kernels_vdso(void **state)
{
	(void)state;
	assert_int_equal(maps.vdso, getauxval(AT_SYSINFO_EHDR));
	assert_int_equal(vdso.size, maps.vdso_end - maps.vdso);
	assert_int_equal(vdso.vvar_below, maps.vdso - maps.vvar);
	assert_true(vdso.clock_gettime.size && vdso.gettimeofday.size &&
		    vdso.time.size);
	assert_int_equal(!strcmp(vdso.layout, "raw"), vdso.why_raw[0] != 0);
}

static void room_is_behind_the_code(void **state)
{
	const uint32_t end = vdso.room + vdso.room_size;
	const struct tnb_elf_function *const used[] = { &vdso.clock_gettime,
							&vdso.gettimeofday,
							&vdso.time };

	(void)state;
	assert_true(vdso.room_size >= 512);
	assert_true(end <= vdso.size);
	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
		assert_true(used[i]->offset + used[i]->size <= vdso.room);
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		assert_true(vdso.forward[i].offset + vdso.forward[i].size <=
			    vdso.room);
}

/* On a machine whose clock the image cannot read, it makes system calls. */
static bool is_raw(void)
{
	return !strcmp(vdso.layout, "raw");
}

static void link_is_for_another_process(void **state)
{
	struct tnb_vdso_link link;

	(void)state;
	tnb_vdso_link(&vdso, 0x7f0000000000, 3, 12, &link);
	assert_int_equal(link.magic, TNB_VDSO_LINK_MAGIC);
	assert_int_equal(link.slot, 3);
	assert_int_equal(link.pass, 12);
	assert_int_equal(link.vdso, 0x7f0000000000);
	/* 0: the image is not to read the kernel's data. */
	assert_int_equal(link.vvar,
			 is_raw() ? 0 : 0x7f0000000000 - vdso.vvar_below);
	assert_true(link.forward[TNB_FORWARD_getcpu]);
	for (size_t i = 0; i < TNB_FORWARDS; i++)
		assert_int_equal(link.forward[i],
				 vdso.forward[i].offset
					 ? 0x7f0000000000 +
						   vdso.forward[i].offset
					 : 0);
}

/* ---- The time ---------------------------------------------------------- */

typedef int gettime_function(clockid_t clock, struct timespec *time);

static long samples(void)
{
	const char *text = getenv("TIMENSBPF_TEST_SAMPLES");

	/* System calls take a hundred times as long. */
	return text ? strtol(text, NULL, 10) : is_raw() ? 100000 : 10000000;
}

/* Image's reads between two of the kernel's, `offset` ns ahead of them. */
static unsigned int disagreements(clockid_t clock, long count, __int128 offset)
{
	gettime_function *kernel =
		(gettime_function *)kernels(vdso.clock_gettime.offset);
	unsigned int wrong = 0;

	for (long i = 0; i < count; i++) {
		struct timespec before, image, after;

		kernel(clock, &before);
		mapped.clock_gettime(clock, &image);
		kernel(clock, &after);
		if (ns_of(&after) < ns_of(&before)) /* somebody set it */
			continue;
		wrong += ns_of(&image) < ns_of(&before) + offset ||
			 ns_of(&image) > ns_of(&after) + offset ||
			 image.tv_nsec < 0 || image.tv_nsec > 999999999;
	}
	return wrong;
}

static void image_is_between_the_kernels_reads(void **state)
{
	(void)state;
	publish_offset(mapped.page, 0, 0);
	for (size_t i = 0; i < CLOCKS; i++)
		assert_int_equal(disagreements(clocks[i], samples(), 0), 0);
}

static bool is_computed(void)
{
	return !vdso.why_raw[0];
}

static void image_is_ahead_by_the_offset(void **state)
{
	static const struct {
		int64_t sec;
		uint32_t nsec;
	} offsets[] = { { 3 * DAY, 0 },
			{ -3 * DAY, 0 },
			{ -1, 999999999 },
			{ 10 * 365 * DAY, 123456789 } };

	(void)state;
	if (!is_computed())
		skip();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		publish_offset(mapped.page, offsets[i].sec, offsets[i].nsec);
		for (size_t j = 0; j < CLOCKS; j++)
			assert_int_equal(
				disagreements(clocks[j], samples() / 10,
					      (__int128)offsets[i].sec *
							      1000000000 +
						      offsets[i].nsec),
				0);
	}
	publish_offset(mapped.page, 0, 0);
}

static void other_functions_are_the_kernels(void **state)
{
	struct timespec ours, theirs;
	unsigned int cpu;

	(void)state;
	for (size_t i = 0; i < CLOCKS; i++) {
		assert_int_equal(mapped.clock_getres(clocks[i], &ours), 0);
		assert_int_equal(clock_getres(clocks[i], &theirs), 0);
		assert_int_equal(ours.tv_nsec, theirs.tv_nsec);
	}
	assert_int_equal(mapped.getcpu(&cpu, NULL, NULL), 0);
	if (mapped.getrandom) {
		unsigned char parameters[64] = { 0 };

		/* The size of its state: only the vDSO answers this. */
		assert_int_equal(mapped.getrandom(NULL, 0, 0, parameters, ~0UL),
				 0);
		assert_true(parameters[0]);
	}
}

/* ---- In a child: what cannot be taken back ----------------------------- */

static int in_child(int (*body)(void))
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(body());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Text is not writable, but by /proc. */
static bool write_text(uint64_t address, const void *bytes, size_t length)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	bool done = fd >= 0 && pwrite(fd, bytes, length, (off_t)address) ==
				       (ssize_t)length;

	close(fd);
	return done;
}

#define CANNOT 77

static int patch_and_read(void)
{
	gettime_function *kernel =
		(gettime_function *)kernels(vdso.clock_gettime.offset);
	struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS];
	struct timespec host, entry, libc;
	struct timeval timeofday;
	time_t seconds;

	publish_offset(mapped.page, DAY, 0);
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &host);
	if (tnb_vdso_jumps(&vdso, maps.vdso, (uint64_t)mapped.image, jumps) !=
	    tnb_vdso_readers(&vdso))
		return 1;
	for (size_t i = 0; i < tnb_vdso_readers(&vdso); i++)
		if (!write_text(maps.vdso + jumps[i].offset, jumps[i].code,
				jumps[i].length))
			return CANNOT;
	kernel(CLOCK_REALTIME, &entry);
	clock_gettime(CLOCK_REALTIME, &libc);
	gettimeofday(&timeofday, NULL);
	seconds = time(NULL);
	if (is_computed())
		host.tv_sec += DAY;
	return entry.tv_sec - host.tv_sec > 5 || entry.tv_sec < host.tv_sec ||
	       libc.tv_sec - host.tv_sec > 5 || libc.tv_sec < host.tv_sec ||
	       timeofday.tv_sec - host.tv_sec > 5 ||
	       timeofday.tv_sec < host.tv_sec || seconds - host.tv_sec > 5 ||
	       seconds < host.tv_sec - 1;
}

static void jumps_lead_into_the_image(void **state)
{
	int r = in_child(patch_and_read);

	(void)state;
	if (r == CANNOT)
		skip();
	assert_int_equal(r, 0);
}

static int compare_all(void)
{
	for (size_t i = 0; i < CLOCKS; i++)
		if (disagreements(clocks[i], 10000, 0))
			return 1;
	return 0;
}

/* A thousand seconds ahead in a namespace: a child of this one is in it. */
static int enter_time_namespace(void)
{
	static const char offsets[] = "monotonic 1000 5\nboottime 2000 6\n";
	int fd, status;
	pid_t child;

	if (unshare(CLONE_NEWTIME))
		return CANNOT;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, offsets, sizeof(offsets) - 1) < 0)
		return CANNOT;
	child = fork();
	if (!child)
		_exit(compare_all());
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

static void time_namespace_is_the_kernels(void **state)
{
	int r = in_child(enter_time_namespace);

	(void)state;
	if (r == CANNOT)
		skip();
	assert_int_equal(r, 0);
}

static const char *shown(const struct tnb_elf_image *elf, uint64_t i)
{
	struct tnb_elf_function function;

	return tnb_elf_image_name(elf, i, &function);
}

static bool shows(const struct tnb_elf_image *elf, const char *name)
{
	uint32_t offset, size;

	return !tnb_elf_image_function(elf, name, &offset, &size);
}

static void image_has_the_kernels_names(void **state)
{
	struct tnb_elf_image image, kernel;

	(void)state;
	assert_int_equal(tnb_elf_image_open(&image, vdso.image, TNB_PAGE_SIZE),
			 0);
	assert_int_equal(tnb_elf_image_open(&kernel, kernels(0), vdso.size), 0);
	assert_int_equal(image.loaded_end, TNB_PAGE_SIZE);
	for (uint64_t i = 0; i < image.symbol_count; i++)
		if (shown(&image, i))
			assert_true(shows(&kernel, shown(&image, i)));
	for (uint64_t i = 0; i < kernel.symbol_count; i++)
		if (shown(&kernel, i) && !shows(&image, shown(&kernel, i)))
			assert_non_null(
				strstr(vdso.unknown, shown(&kernel, i)));
	for (size_t i = 0; i < tnb_vdso_readers(&vdso); i++)
		assert_true(vdso.entry[i]);
}

static void what_jumps_replace_is_known(void **state)
{
	struct tnb_vdso copy = vdso;
	uint32_t entry;

	(void)state;
	/* True of all kernels of the test bed and of this machine: a stop
	 * takes longer where it is not. */
	assert_false(vdso.loops);
	assert_false(vdso.image_loops);
	entry = vdso.clock_gettime.offset;
	assert_false(tnb_vdso_is_patched(&vdso, entry));
	assert_true(tnb_vdso_is_patched(&vdso, entry + 1));
	assert_true(tnb_vdso_is_patched(&vdso, entry + 13));
	assert_false(tnb_vdso_is_patched(&vdso, entry + 14));
	assert_true(tnb_vdso_is_patched(&vdso, vdso.room));
	assert_false(tnb_vdso_is_patched(&vdso, ~0ULL));
	copy.loops = true;
	assert_true(tnb_vdso_is_patched(&copy, entry + 14));
	assert_false(tnb_vdso_is_patched(&copy, entry));
	assert_false(tnb_vdso_image_is_patched(&vdso, vdso.entry[0]));
	assert_true(tnb_vdso_image_is_patched(&vdso, vdso.entry[0] + 1));
	assert_false(
		tnb_vdso_image_is_reader(&vdso, vdso.image, vdso.entry[0]));
	assert_false(tnb_vdso_image_is_reader(&vdso, vdso.image,
					      vdso.image_code - 1));
	assert_false(
		tnb_vdso_image_is_reader(&vdso, vdso.image, TNB_PAGE_SIZE));
	/* Jumps back may not reach into the next function. */
	for (size_t i = 0; i < tnb_vdso_readers(&vdso); i++)
		for (size_t j = 0; j < TNB_FORWARDS; j++)
			assert_true(vdso.image_forward[j] <= vdso.entry[i] ||
				    vdso.image_forward[j] - vdso.entry[i] >=
					    14);
}

static void originals_are_the_kernels_bytes(void **state)
{
	struct tnb_vdso_jump originals[TNB_VDSO_JUMPS];

	(void)state;
	assert_int_equal(tnb_vdso_originals(&vdso, originals),
			 tnb_vdso_readers(&vdso));
	for (size_t i = 0; i < tnb_vdso_readers(&vdso); i++)
		assert_memory_equal(
			originals[i].code,
			(const void *)(maps.vdso + originals[i].offset),
			originals[i].length);
}

/* ---- Of 32-bit programs -------------------------------------------------- */

static void the_32_bit_one_is_like_it(void **state)
{
	const struct tnb_vdso *narrow = tnb_vdso_of(&vdsos, true);
	struct tnb_vdso_jump jumps[TNB_VDSO_JUMPS];

	(void)state;
	if (!narrow)
		skip(); /* this kernel shows none */
	assert_true(narrow->narrow && !vdso.narrow);
	assert_string_equal(narrow->layout, vdso.layout);
	assert_int_equal(narrow->vvar_below, vdso.vvar_below);
	assert_true(narrow->room_size >= 512);
	/* jmp with a distance, which may go round the end of memory. */
	assert_int_equal(tnb_vdso_jumps(narrow, 0xf7f00000, 0x40000000, jumps),
			 4);
	for (size_t i = 0; i < 4; i++) {
		uint32_t distance;

		memcpy(&distance, jumps[i].code + 1, sizeof(distance));
		assert_int_equal(jumps[i].length, 5);
		assert_int_equal(jumps[i].code[0], 0xe9);
		assert_int_equal(
			(uint32_t)(0xf7f00000 + jumps[i].offset + 5 + distance),
			0x40000000 + narrow->entry[i]);
		assert_true(tnb_vdso_is_patched(narrow, jumps[i].offset + 4));
		assert_int_equal(
			tnb_vdso_is_patched(narrow, jumps[i].offset + 5),
			narrow->loops);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_knows_the_kernels_vdso),
		cmocka_unit_test(room_is_behind_the_code),
		cmocka_unit_test(link_is_for_another_process),
		cmocka_unit_test(image_is_between_the_kernels_reads),
		cmocka_unit_test(image_is_ahead_by_the_offset),
		cmocka_unit_test(other_functions_are_the_kernels),
		cmocka_unit_test(jumps_lead_into_the_image),
		cmocka_unit_test(what_jumps_replace_is_known),
		cmocka_unit_test(originals_are_the_kernels_bytes),
		cmocka_unit_test(time_namespace_is_the_kernels),
		cmocka_unit_test(image_has_the_kernels_names),
		cmocka_unit_test(the_32_bit_one_is_like_it),
	};

	return cmocka_run_group_tests_name("vdso", tests, set_up, NULL);
}
