/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each program and map of the BPF objects has its row in the catalogue, each
 * row has its program or map, and the pins that the guest tests name exist.
 * Objects are opened and not loaded, which needs no privileges.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "loader/kernel/catalogue.h"
#include "helper_calls.h"
#include <bpf/libbpf.h>
#include <glob.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "session.skel.h"
#include "session_ctx.skel.h"
#include "timensbpf.skel.h"

#define OBJECTS 3
#define WRITERS_AT_LEAST 20

static struct timensbpf_bpf *skel;
static struct session_bpf *session;
static struct session_ctx_bpf *session_ctx;
static const struct bpf_object *objects[OBJECTS];

static int set_up(void **state)
{
	(void)state;
	skel = timensbpf_bpf__open();
	session = session_bpf__open();
	session_ctx = session_ctx_bpf__open();
	if (!skel || !session || !session_ctx)
		return -1;
	objects[0] = skel->obj;
	objects[1] = session->obj;
	objects[2] = session_ctx->obj;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	timensbpf_bpf__destroy(skel);
	session_bpf__destroy(session);
	session_ctx_bpf__destroy(session_ctx);
	return 0;
}

/* ---- Rows and objects ---------------------------------------------------- */

static void test_programs_have_rows(void **state)
{
	const struct bpf_program *program;

	(void)state;
	for (int i = 0; i < OBJECTS; i++) {
		program = bpf_object__next_program(objects[i], NULL);
		for (; program;
		     program = bpf_object__next_program(
			     objects[i], (struct bpf_program *)program)) {
			const char *name = bpf_program__name(program);

			if (!tnb_catalogue_program(name))
				fail_msg("%s has no row in programs.h", name);
		}
	}
}

static void test_maps_have_rows(void **state)
{
	const struct bpf_map *map;

	(void)state;
	for (int i = 0; i < OBJECTS; i++) {
		map = bpf_object__next_map(objects[i], NULL);
		for (; map; map = bpf_object__next_map(objects[i], map))
			if (!bpf_map__is_internal(map) &&
			    !tnb_catalogue_map(bpf_map__name(map)))
				fail_msg("%s has no row in programs.h",
					 bpf_map__name(map));
	}
}

/* The two builds of the session are one for the catalogue. */
static void test_rows_have_programs(void **state)
{
	(void)state;
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		const bool in[] = {
			bpf_object__find_program_by_name(skel->obj, row->name),
			bpf_object__find_program_by_name(session->obj,
							 row->name),
			bpf_object__find_program_by_name(session_ctx->obj,
							 row->name),
		};
		bool of_session = row->wanted.when == TNB_IF_SESSION;

		if (in[0] == of_session || in[1] != of_session ||
		    in[2] != of_session)
			fail_msg("no program %s, or in the wrong object",
				 row->name);
	}
}

static void test_rows_have_maps(void **state)
{
	(void)state;
	for (const struct tnb_map *row = tnb_maps; row->name; row++) {
		bool of_session = row->wanted.when == TNB_IF_SESSION;
		const struct bpf_object *object = of_session ? session->obj
							     : skel->obj;

		if (!bpf_object__find_map_by_name(object, row->name))
			fail_msg("no map %s", row->name);
	}
}

/* ---- What rows say ------------------------------------------------------- */

static const char *section_of(const struct tnb_program *row)
{
	const struct bpf_program *program;
	const struct bpf_object *object =
		row->wanted.when == TNB_IF_SESSION ? session->obj : skel->obj;

	program = bpf_object__find_program_by_name(object, row->name);
	assert_non_null(program);
	return bpf_program__section_name(program);
}

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* How a row says that it is attached is how its section can be. */
static bool fits(enum tnb_by by, const char *section)
{
	switch (by) {
	case TNB_BY_EVENT:
		return begins_with(section, "kprobe/");
	case TNB_BY_PROBE:
		return !strcmp(section, "kprobe");
	case TNB_BY_RETURN:
		return !strcmp(section, "kretprobe");
	case TNB_BY_SESSION:
		return !strcmp(section, "kretprobe.multi");
	case TNB_BY_RUN:
		return !strcmp(section, "syscall") ||
		       begins_with(section, "iter/");
	case TNB_BY_ARRAY:
		return true;
	default:
		return strchr(section, '/') &&
		       !begins_with(section, "kprobe") &&
		       !begins_with(section, "iter/");
	}
}

static void test_sections_fit(void **state)
{
	(void)state;
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		const char *section = section_of(row);

		if (!fits(row->by, section))
			fail_msg("%s is in section %s", row->name, section);
	}
}

/* LSM programs where there is a BPF LSM, their substitutes elsewhere. */
static void test_conditions_fit(void **state)
{
	(void)state;
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		const char *section = section_of(row);
		enum tnb_if when = row->wanted.when;

		if (begins_with(section, "lsm") !=
			    (when == TNB_IF_LSM || when == TNB_IF_LOCKDOWN) ||
		    begins_with(section, "fmod_ret/") !=
			    (when == TNB_IF_NO_LSM || when == TNB_IF_TIME))
			fail_msg("%s is in section %s", row->name, section);
	}
}

/* Each worker is in one array, and is wanted when its array is. */
static void test_workers_have_arrays(void **state)
{
	(void)state;
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		int arrays = 0;

		for (const struct tnb_map *map = tnb_maps; map->name; map++) {
			if (!map->worker || strcmp(map->worker, row->name))
				continue;
			arrays++;
			assert_int_equal(map->wanted.when, row->wanted.when);
			assert_int_equal(map->wanted.row, row->wanted.row);
			assert_true(map->flags & TNB_KEPT);
		}
		if (arrays != (row->by == TNB_BY_ARRAY))
			fail_msg("%s is in %d arrays", row->name, arrays);
	}
}

/* Lockdown leaves out what writes user memory: the kernel would refuse the
 * whole object for one of them. */
static void test_writers_are_marked(void **state)
{
	size_t size;
	const void *main = timensbpf_bpf__elf_bytes(&size);
	const void *sessions = session_bpf__elf_bytes(&size);
	int writers = 0;

	(void)state;
	for (const struct tnb_program *row = tnb_programs; row->name; row++) {
		bool of_session = row->wanted.when == TNB_IF_SESSION;
		bool writes = helper_calls_has(of_session ? sessions : main,
					       row->name,
					       BPF_FUNC_probe_write_user);

		writers += writes;
		if (writes != !!(row->flags & TNB_WRITES))
			fail_msg("%s %s user memory", row->name,
				 writes ? "writes" : "does not write");
	}
	assert_true(writers >= WRITERS_AT_LEAST);
}

/* ---- Names in the guest tests -------------------------------------------- */

#define NAMES_AT_LEAST 20

static bool is_program(const char *name, bool is_prefix)
{
	for (const struct tnb_program *row = tnb_programs; row->name; row++)
		if (is_prefix ? begins_with(row->name, name)
			      : !strcmp(row->name, name))
			return true;
	return false;
}

/* `state` is the record of what is loaded, a map of no object. */
static bool is_pin(const char *kind, const char *name, bool is_prefix)
{
	if (strcmp(kind, "maps"))
		return is_program(name, is_prefix);
	return tnb_catalogue_map(name) || !strcmp(name, "state");
}

static int check_line(const char *file, const regex_t *pin, const char *line)
{
	char kind[16], name[80];
	regmatch_t at[4];
	int found = 0;

	for (; !regexec(pin, line, 4, at, 0); line += at[0].rm_eo, found++) {
		snprintf(kind, sizeof(kind), "%.*s",
			 (int)(at[1].rm_eo - at[1].rm_so), line + at[1].rm_so);
		snprintf(name, sizeof(name), "%.*s",
			 (int)(at[2].rm_eo - at[2].rm_so), line + at[2].rm_so);
		if (!is_pin(kind, name, line[at[3].rm_so] == '*'))
			fail_msg("%s names %s/%s", file, kind, name);
	}
	return found;
}

static int check_file(const char *path, const regex_t *pin)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	int found = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found += check_line(path, pin, line);
	fclose(file);
	return found;
}

/* KIND/NAME or KIND/PREFIX* in the tests that run in guests. */
static void test_guest_names_exist(void **state)
{
	glob_t files;
	regex_t pin;
	int found = 0;

	(void)state;
	assert_int_equal(regcomp(&pin,
				 "(maps|progs|links)/([a-z][a-z0-9_]*)([^a-z])",
				 REG_EXTENDED),
			 0);
	assert_int_equal(glob(TNB_ROOT "/tests/guest/*.*", 0, NULL, &files), 0);
	assert_int_equal(glob(TNB_ROOT "/tests/guest/*/*.bats", GLOB_APPEND,
			      NULL, &files),
			 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		found += check_file(files.gl_pathv[i], &pin);
	globfree(&files);
	regfree(&pin);
	assert_true(found >= NAMES_AT_LEAST);
}

/* The programs of which kernel_objects() in helpers.bash finds leftovers:
 * "name (PREFIX|PREFIX…)". */
static void read_leftovers(regex_t *leftovers)
{
	FILE *file = fopen(TNB_ROOT "/tests/guest/helpers.bash", "re");
	char line[1024], *begin = NULL;

	assert_non_null(file);
	while (!begin && fgets(line, sizeof(line), file))
		begin = strstr(line, "'name (");
	fclose(file);
	assert_non_null(begin);
	begin += strlen("'name ");
	begin[strcspn(begin, ")") + 1] = '\0';
	memmove(line + 1, begin, strlen(begin) + 1);
	line[0] = '^';
	assert_int_equal(regcomp(leftovers, line, REG_EXTENDED | REG_NOSUB), 0);
}

static void test_leftovers_are_seen(void **state)
{
	regex_t leftovers;

	(void)state;
	read_leftovers(&leftovers);
	for (const struct tnb_program *row = tnb_programs; row->name; row++)
		if (regexec(&leftovers, row->name, 0, NULL, 0))
			fail_msg("kernel_objects() does not look for %s",
				 row->name);
	regfree(&leftovers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_have_rows),
		cmocka_unit_test(test_maps_have_rows),
		cmocka_unit_test(test_rows_have_programs),
		cmocka_unit_test(test_rows_have_maps),
		cmocka_unit_test(test_sections_fit),
		cmocka_unit_test(test_conditions_fit),
		cmocka_unit_test(test_workers_have_arrays),
		cmocka_unit_test(test_writers_are_marked),
		cmocka_unit_test(test_guest_names_exist),
		cmocka_unit_test(test_leftovers_are_seen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
